import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';

/** How the workers of a test run find a server that all of them share. */
export interface Exchange {
  /** `database`, as messages name it. */
  what: string;
  /** Has the path of a unix socket; set by the global setup, inherited by every worker. */
  variable: string;
  /** The file of that setup, for a project that lacks it. */
  setup: string;
}

/**
 * For the one process that lives as long as the test run: tells whoever asks where the server is (plain JSON), under a
 * socket in this directory; the first question starts it. Gives the way to end that.
 */
export async function tellWhere(
  { variable }: Exchange,
  directory: string,
  place: () => Promise<unknown>,
): Promise<() => Promise<void>> {
  const path = join(directory, 'exchange');
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    place().then(
      (told) => socket.end(JSON.stringify({ place: told })),
      (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  process.env[variable] = path;
  return async () => {
    delete process.env[variable];
    await new Promise((resolve) => server.close(resolve));
  };
}

/** What the setup of this run tells. Rejects where it has not run, and with the reason why the server did not start. */
export async function askWhere<Place>({ what, variable, setup }: Exchange): Promise<Place> {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`no test ${what}: the vitest project needs ${setup}`);
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
  const { place, error } = JSON.parse(answer) as { place?: Place; error?: string };
  if (place === undefined) throw new Error(`the test ${what} did not start: ${error}`);
  return place;
}
