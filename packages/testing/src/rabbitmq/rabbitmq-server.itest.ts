import { access, readdir, readFile } from 'node:fs/promises';
import { connect } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { rabbitPrograms } from './rabbitmq-programs.js';
import { startRabbitServer } from './rabbitmq-server.js';
import { rabbitForTests, sharedBroker } from './shared-broker.js';

const programs = await rabbitForTests();
const scripts = 'missing' in programs ? '' : programs.scripts;

describe.skipIf('missing' in programs)('brokers for tests', () => {
  it('have a vhost for each who asks, gone after the test', async (context) => {
    const broker = await sharedBroker();
    const [one, two] = [await broker.vhostFor(context), await broker.makeVhost()];
    const connection = await connect(one.url);
    const channel = await connection.createChannel();
    await channel.assertQueue('mine', { durable: true });
    channel.sendToQueue('mine', Buffer.from('x'));
    await eventually(async () => (await one.queues())[0]?.messages === 1);
    expect(await two.queues()).toEqual([]);
    await two.drop();
    await two.drop();
    await connection.close();
  });

  it('restart at the same address with what they kept, and leave nothing', async () => {
    const server = await startRabbitServer({ scripts });
    const { directory } = server.broker.place;
    try {
      const url = server.broker.url();
      const kept = async (): Promise<boolean> => (await server.broker.queues('/'))[0]?.messages === 1;
      const connection = await connect(url);
      connection.on('error', () => undefined);
      const channel = await connection.createConfirmChannel();
      channel.on('error', () => undefined);
      await channel.assertQueue('kept', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
      channel.sendToQueue('kept', Buffer.from('x'), { persistent: true });
      await channel.waitForConfirms();
      // Killed at once, RabbitMQ 3.10 forgets what was in a queue that is new.
      await server.restart('orderly');
      await eventually(kept);
      await server.restart('kill');
      await eventually(kept);
      await (await connect(url)).close();
    } finally {
      await server.stop();
    }
    await server.stop();
    let left: string[] = [];
    await eventually(
      async () => {
        left = await processesOf(directory);
        return left.length === 0;
      },
      { describe: () => `processes of a broker that was stopped: ${left.join(', ')}` },
    );
    await expect(access(directory)).rejects.toThrow();
  });
});

describe('RabbitMQ for tests', () => {
  it('is told in one line when it is missing', async () => {
    expect(await rabbitPrograms({ SOLSTICE_TEST_RABBITMQ: '/nowhere' })).toEqual({
      missing: 'no rabbitmq-server in SOLSTICE_TEST_RABBITMQ=/nowhere',
    });
  });
});

/** `pid command` of those with the directory in their environment, which every process of a broker has. */
async function processesOf(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
  const found = pids.filter((_pid, index) => environments[index]?.includes(directory));
  return await Promise.all(
    found.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'gone meanwhile');
      return `${pid} ${command.replaceAll('\0', ' ').trim()}`;
    }),
  );
}
