import { toError } from '@solstice/common/errors';
import type { Capacity, DeliveryState, HostRecord, HostState, Store } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import type { Count, StatusView } from '../fleet-schemas.js';
import { fleetChecks } from './fleet-checks.js';

/** Counting stops here: what matters beyond it is that there are many. */
const countLimit = 500;

export function registerStatusRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  app.get('/status', async () => await statusView(deps));
  app.get('/doctor', async () => {
    const [own, fleet] = await Promise.all([deps.doctor(), fleetChecks(deps.store)]);
    return { items: [...own, ...fleet] };
  });
}

async function statusView(deps: OperatorApiDeps): Promise<StatusView> {
  const { store } = deps;
  const count = async (list: Promise<unknown[]>): Promise<Count> => {
    const { length } = await list;
    return { count: Math.min(length, countLimit), atLeast: length > countLimit };
  };
  const runs = (state: string) => count(store.runs.list({ states: [state], limit: countLimit + 1 }));
  const deliveries = (state: DeliveryState) => count(store.deliveries.list({ state, limit: countLimit + 1 }));
  const [hosts, outboxOldestMs, deadLetters, health] = await Promise.all([
    store.hosts.list(),
    store.outbox.oldestAgeMs(),
    store.deadLetters.count(),
    ping(store),
  ]);
  return {
    version: deps.version,
    startedAt: deps.startedAt.toISOString(),
    uptimeMs: deps.clock.now().getTime() - deps.startedAt.getTime(),
    publicUrl: deps.publicUrl(),
    store: health,
    runs: { blocked: await runs('blocked'), queued: await runs('queued'), running: await runs('running') },
    hosts: hostSums(hosts),
    ...(outboxOldestMs !== undefined && { outboxOldestMs }),
    deadLetters,
    checksPending: await count(store.checks.list({ pendingOnly: true, limit: countLimit + 1 })),
    deliveries: {
      received: await deliveries('received'),
      planned: await deliveries('planned'),
      ignored: await deliveries('ignored'),
      failed: await deliveries('failed'),
    },
  };
}

function hostSums(hosts: readonly HostRecord[]): StatusView['hosts'] {
  const alive = hosts.filter((host) => host.alive);
  const inState = (state: HostState) => alive.filter((host) => host.state === state).length;
  const sum = (of: 'capacity' | 'reserved', what: keyof Capacity) =>
    alive.reduce((total, host) => total + host[of][what], 0);
  return {
    alive: alive.length,
    all: hosts.length,
    draining: inState('draining'),
    cordoned: inState('cordoned'),
    slots: sum('capacity', 'slots'),
    slotsReserved: sum('reserved', 'slots'),
    cpus: tidy(sum('capacity', 'cpus')),
    cpusReserved: tidy(sum('reserved', 'cpus')),
    memoryBytes: sum('capacity', 'memoryBytes'),
    memoryBytesReserved: sum('reserved', 'memoryBytes'),
  };
}

/** Fractions of cpus add up to crooked sums. */
function tidy(cpus: number): number {
  return Math.round(cpus * 1_000) / 1_000;
}

async function ping(store: Store): Promise<StatusView['store']> {
  try {
    await store.ping();
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: toError(error).message };
  }
}
