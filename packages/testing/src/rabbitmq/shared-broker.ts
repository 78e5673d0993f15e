import { createConnection, createServer, type Server } from 'node:net';
import { type BrokerPlace, RabbitBroker } from './rabbitmq-broker.js';
import { rabbitPrograms } from './rabbitmq-programs.js';

/** Where the workers of a test run find the broker's place; set by the global setup, inherited by every worker. */
export const exchangeVariable = 'TEST_RABBITMQ_EXCHANGE';

/** Tells whoever asks at this unix socket where the broker is; the first question starts it. */
export async function serveBroker(path: string, broker: () => Promise<RabbitBroker>): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    broker().then(
      ({ place }) => socket.end(JSON.stringify({ place })),
      (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  return server;
}

/**
 * The broker of the test run, for tests that take a vhost of their own and harm nobody else:
 *
 *     const rabbit = await rabbitForTests();
 *     describe.skipIf('missing' in rabbit)('…', () => {
 *       it('…', async (context) => {
 *         const vhost = await (await sharedBroker()).vhostFor(context);
 *         … vhost.url, vhost.queues(), vhost.deleteQueue(name), vhost.closeConnections()
 *
 * A test that restarts the broker or raises its alarm starts one of its own with startRabbitServer(): a few seconds.
 */
export async function sharedBroker(): Promise<RabbitBroker> {
  const path = process.env[exchangeVariable];
  if (path === undefined) {
    throw new Error('no test broker: the vitest project needs packages/testing/src/rabbitmq/global-setup.ts');
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
  const { place, error } = JSON.parse(answer) as { place?: BrokerPlace; error?: string };
  if (place === undefined) throw new Error(`the test broker did not start: ${error}`);
  return new RabbitBroker(place);
}

/** Is there a RabbitMQ to test with? With it, startRabbitServer and sharedBroker work; else the line to skip with. */
export async function rabbitForTests(): Promise<{ scripts: string } | { missing: string }> {
  return await rabbitPrograms();
}
