import { describe, expect, it } from 'vitest';
import { declareTopology, exchanges, poolKey, poolQueue, queueOf } from './topology.js';

describe('the topology', () => {
  it('says of every queue what RabbitMQ 3 and 4 have different defaults for', async () => {
    const queues: { name: string; arguments: Record<string, unknown> }[] = [];
    await declareTopology({
      assertExchange: async () => undefined,
      assertQueue: async (name, options) => void queues.push({ name, arguments: options.arguments }),
      bindQueue: async () => undefined,
    });
    queues.push({ name: poolQueue('p').name, arguments: poolQueue('p').options.arguments });
    for (const { name, arguments: given } of queues) {
      expect(name).toMatch(/^solstice\..*\.v1$/);
      expect(given).toMatchObject({
        'x-queue-type': 'quorum',
        'x-delivery-limit': expect.any(Number),
        'x-max-length': expect.any(Number),
        'x-overflow': 'drop-head',
      });
    }
  });

  it('gives a host a queue that goes with its connection, under a new name each time', () => {
    const [one, two] = [1, 2].map(() => queueOf({ kind: 'host', hostId: 'alder' }));
    expect(one?.name).not.toBe(two?.name);
    expect(one).toMatchObject({
      options: { exclusive: true, durable: false, autoDelete: true, arguments: { 'x-queue-type': 'classic' } },
      bindTo: { exchange: exchanges.hosts.name, key: 'alder' },
    });
  });

  it('binds pool * to what no queue was there for', () => {
    expect(poolQueue('*').bindTo).toEqual({ exchange: exchanges.unserved.name, key: '' });
    expect(poolQueue('p').bindTo).toEqual({ exchange: exchanges.jobs.name, key: 'p' });
  });

  it('keeps names within what AMQP can say, and apart', () => {
    const [one, two] = ['ü'.repeat(500), `${'ü'.repeat(499)}x`];
    expect(poolKey(one)).not.toBe(poolKey(two));
    for (const name of [poolQueue(one).name, queueOf({ kind: 'host', hostId: one }).name]) {
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    }
  });
});
