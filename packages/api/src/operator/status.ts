import { toError } from '@solstice/common/errors';
import type { DeliveryState, Store } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import type { Count, StatusView } from '../schemas.js';

/** Counting stops here: what matters beyond it is that there are many. */
const countLimit = 500;

export function registerStatusRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  app.get('/status', async () => await statusView(deps));
  app.get('/doctor', async () => ({ items: await deps.doctor() }));
}

async function statusView(deps: OperatorApiDeps): Promise<StatusView> {
  const { store } = deps;
  const count = async (list: Promise<unknown[]>): Promise<Count> => {
    const { length } = await list;
    return { count: Math.min(length, countLimit), atLeast: length > countLimit };
  };
  const runs = (state: string) => count(store.runs.list({ states: [state], limit: countLimit + 1 }));
  const deliveries = (state: DeliveryState) => count(store.deliveries.list({ state, limit: countLimit + 1 }));
  const [hosts, outboxOldestMs, health] = await Promise.all([
    store.hosts.list(),
    store.outbox.oldestAgeMs(),
    ping(store),
  ]);
  const alive = hosts.filter((host) => host.alive);
  return {
    version: deps.version,
    startedAt: deps.startedAt.toISOString(),
    uptimeMs: deps.clock().getTime() - deps.startedAt.getTime(),
    publicUrl: deps.publicUrl(),
    store: health,
    runs: { blocked: await runs('blocked'), queued: await runs('queued'), running: await runs('running') },
    hosts: {
      alive: alive.length,
      all: hosts.length,
      slots: alive.reduce((sum, host) => sum + host.capacity.slots, 0),
      slotsReserved: alive.reduce((sum, host) => sum + host.reserved.slots, 0),
    },
    ...(outboxOldestMs !== undefined && { outboxOldestMs }),
    checksPending: await count(store.checks.list({ pendingOnly: true, limit: countLimit + 1 })),
    deliveries: {
      received: await deliveries('received'),
      planned: await deliveries('planned'),
      ignored: await deliveries('ignored'),
      failed: await deliveries('failed'),
    },
  };
}

async function ping(store: Store): Promise<StatusView['store']> {
  try {
    await store.ping();
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: toError(error).message };
  }
}
