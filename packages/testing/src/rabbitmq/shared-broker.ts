import { askWhere, type Exchange } from '../run-server/exchange.js';
import { type BrokerPlace, RabbitBroker } from './rabbitmq-broker.js';
import { rabbitPrograms } from './rabbitmq-programs.js';

export const brokerExchange: Exchange = {
  what: 'broker',
  variable: 'TEST_RABBITMQ_EXCHANGE',
  setup: 'packages/testing/src/rabbitmq/global-setup.ts',
};

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
  return new RabbitBroker(await askWhere<BrokerPlace>(brokerExchange));
}

/** Is there a RabbitMQ to test with? With it, startRabbitServer and sharedBroker work; else the line to skip with. */
export async function rabbitForTests(): Promise<{ scripts: string } | { missing: string }> {
  return await rabbitPrograms();
}
