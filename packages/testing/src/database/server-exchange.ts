import { createConnection, createServer, type Server } from 'node:net';

/** Where the workers of a test run find the exchange; set by the global setup, inherited by every worker. */
export const exchangeVariable = 'TEST_DATABASE_EXCHANGE';

/**
 * The one process that lives as long as the test run owns the database server. Test workers ask it for the server's
 * address over a unix socket; the first question starts the server.
 */
export async function serveAddress(path: string, address: () => Promise<string>): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    address().then(
      (url) => socket.end(JSON.stringify({ url })),
      (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  return server;
}

/** The connection string of the run's server. Rejects where the global setup has not run. */
export async function askAddress(): Promise<string> {
  const path = process.env[exchangeVariable];
  if (path === undefined) {
    throw new Error('no test database: the vitest project needs packages/testing/src/database/global-setup.ts');
  }
  const answer = await new Promise<string>((resolve, reject) => {
    let text = '';
    createConnection(path)
      .setEncoding('utf8')
      .on('data', (part) => {
        text += part;
      })
      .on('error', reject)
      .on('close', () => resolve(text));
  });
  const { url, error } = JSON.parse(answer) as { url?: string; error?: string };
  if (url === undefined) throw new Error(`the test database did not start: ${error}`);
  return url;
}
