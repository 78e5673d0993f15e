import type { StoreMeasures } from '../port/index.js';
import { ageMs, hostMeasure, poolMeasures, type QueuedInPool } from '../projection/measures.js';
import type { Core } from './core.js';
import { hostRecord, leasesOf } from './hosts.js';

export function measure(core: Core, deadLetters: number): StoreMeasures {
  const { tables } = core;
  const now = core.now();
  const hosts = [...tables.hosts.values()]
    .map((row) => hostRecord(core, row))
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const received = [...tables.deliveries.values()].filter(({ state }) => state === 'received');
  const postponed = received.filter(({ nextTryAt }) => nextTryAt !== undefined && nextTryAt > now);
  return {
    pools: poolMeasures(queuedByPool(core), hosts, now),
    hosts: hosts.map((host) => hostMeasure(host, leasesOf(core, host.id).length, now)),
    outbox: {
      messages: tables.outbox.size,
      oldestAgeMs: oldest(
        [...tables.outbox.values()].map(({ at }) => at),
        now,
      ),
    },
    deliveries: {
      due: received.length - postponed.length,
      postponed: postponed.length,
      oldestAgeMs: oldest(
        received.map(({ receivedAt }) => receivedAt),
        now,
      ),
    },
    checks: pendingChecks(core),
    deadLetters,
  };
}

function queuedByPool(core: Core): QueuedInPool[] {
  const pools = new Map<string, QueuedInPool>();
  for (const attemptId of core.tables.queued.keys()) {
    const attempt = core.tables.attempts.get(attemptId)?.waiting;
    if (attempt === undefined) continue;
    const { pool, queuedAt } = attempt;
    const known = pools.get(pool);
    const oldestAt = new Date(Math.min(queuedAt, known?.oldestAt.getTime() ?? queuedAt));
    pools.set(pool, { pool, queued: (known?.queued ?? 0) + 1, oldestAt });
  }
  return [...pools.values()];
}

function pendingChecks(core: Core): StoreMeasures['checks'] {
  const pending = [...core.tables.checks.values()].filter((row) => row.desiredVersion > row.sentVersion);
  return [...new Set(pending.map(({ forge }) => forge))].sort().map((forge) => {
    const own = pending.filter((row) => row.forge === forge);
    return { forge, pending: own.length, failing: own.filter(({ tries }) => tries > 0).length };
  });
}

function oldest(instants: readonly Date[], now: Date): number | undefined {
  return instants.length === 0 ? undefined : Math.max(...instants.map((at) => ageMs(at, now)));
}
