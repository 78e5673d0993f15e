import { randomUUID } from 'node:crypto';
import { systemClock } from '@solstice/common/clock';
import { createRabbitQueue } from '@solstice/common/queue';
import { createMemoryStore, type Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { eventually, rabbitForTests, startRabbitServer } from '@solstice/testing';
import { describe, expect, it } from 'vitest';
import { createRelay, type Relay } from './relay.js';

const rabbit = await rabbitForTests();
const logger = createLogger({ level: 'silent' });
const trace = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

describe.skipIf('missing' in rabbit)('relays and a real broker', () => {
  it('lose nothing when it is killed and restarted while three of them publish', {
    timeout: 180_000,
  }, async (context) => {
    if ('missing' in rabbit) throw new Error(rabbit.missing);
    const server = await startRabbitServer({ scripts: rabbit.scripts });
    context.onTestFinished(() => server.stop());
    const connect = async () => {
      const backoff = { firstMs: 50, mostMs: 500 };
      const queue = await createRabbitQueue({ url: server.broker.url(), logger, backoff });
      context.onTestFinished(() => queue.close());
      return queue;
    };
    const store = createMemoryStore({ clock: systemClock, idSource: randomUUID });
    const heard = new Set<string>();
    const traced = new Set<string>();
    await (await connect()).subscribe({ kind: 'delivery' }, async (message, about) => {
      if (message.kind !== 'delivery') return;
      heard.add(message.deliveryId);
      if (about.trace?.traceparent === trace.traceparent) traced.add(message.deliveryId);
    });
    const crashes: Error[] = [];
    const accepted: string[] = [];
    let over = false;
    const relays: Relay[] = [];
    for (let number = 0; number < 3; number += 1) {
      const onCrash = (error: Error) => void crashes.push(error);
      const relay = createRelay({ store, queue: await connect(), logger, onCrash, sweepMs: 200 });
      context.onTestFinished(() => relay.stop());
      await relay.start();
      relays.push(relay);
    }
    const repositoryId = await repository(store);
    const webhooks = (async () => {
      while (!over) {
        accepted.push(await accept(store, repositoryId, accepted.length));
        // Not without end while the broker is away.
        await eventually(() => over || accepted.length - heard.size < 100, { timeoutMs: 100_000, intervalMs: 5 });
      }
    })();
    const more = () => {
      const before = heard.size;
      return eventually(() => heard.size > before + 50, { describe: () => `${heard.size} heard`, timeoutMs: 60_000 });
    };
    await more();
    // First in order: what lies in a queue that was made just now, RabbitMQ 3.10 forgets when it is killed.
    for (const how of ['orderly', 'kill', 'kill'] as const) {
      await server.restart(how);
      await more();
    }
    over = true;
    await webhooks;
    await eventually(async () => (await store.outbox.oldestAgeMs()) === undefined, { timeoutMs: 60_000 });
    await eventually(() => heard.size === accepted.length, {
      describe: () => `${accepted.length}, ${heard.size} heard`,
    });
    expect(traced).toEqual(heard);
    expect(crashes).toEqual([]);
    await eventually(() => relays.every((relay) => relay.health().ok));
  });
});

async function repository(store: Store): Promise<string> {
  const { id } = await store.repositories.upsert({
    ...{ forge: 'local', forgeRepositoryId: undefined, name: 'hello', cloneUrl: '/nowhere', defaultBranch: undefined },
    ...{ sealedWebhookSecret: undefined, origin: 'settings' as const },
  });
  return id;
}

async function accept(store: Store, repositoryId: string, number: number): Promise<string> {
  const after = number.toString(16).padStart(40, 'a');
  const { delivery } = await store.deliveries.accept({
    ...{ forge: 'local', forgeDeliveryId: randomUUID(), eventName: 'push', repositoryId, trace },
    event: {
      ...{ kind: 'forge.push.v1', repository: { forgeRepositoryId: 'hello', name: 'hello' }, ref: 'refs/heads/main' },
      ...{ before: '0'.repeat(40), after, created: false, deleted: false, forced: false, pusher: { login: 'mara' } },
    },
    ...{ reason: undefined, twinKey: undefined, body: new Uint8Array() },
  });
  return delivery.id;
}
