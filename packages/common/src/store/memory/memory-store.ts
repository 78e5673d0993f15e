import type { WallClock } from '../../clock/index.js';
import type { LogChunkRecord, LogStore, OutboxStore, Store } from '../port/index.js';
import { MemoryAttempts } from './attempts.js';
import { MemoryChecks } from './checks.js';
import { MemoryConcurrency } from './concurrency.js';
import { Core } from './core.js';
import { MemoryDeadLetters } from './dead-letters.js';
import { MemoryDeliveries } from './deliveries.js';
import { MemoryHosts } from './hosts.js';
import { measure } from './measures.js';
import { MemoryRepositories } from './repositories.js';
import { MemoryRequestKeys } from './request-keys.js';
import { MemoryRuns } from './runs.js';
import { MemoryScheduleLooks } from './schedule-looks.js';
import { MemorySchedules } from './schedules.js';
import { MemoryTimers } from './timers.js';

export interface MemoryStoreSettings {
  clock: WallClock;
  /** Gives unique ids for rows. */
  idSource: () => string;
}

/** The whole contract of Store, kept in this process: for simulations, `cidev run` and tests. Ends with the process. */
export function createMemoryStore(settings: MemoryStoreSettings): Store {
  const core = new Core(settings.clock, settings.idSource);
  const deadLetters = new MemoryDeadLetters(core);
  return {
    repositories: new MemoryRepositories(core),
    deliveries: new MemoryDeliveries(core),
    runs: new MemoryRuns(core),
    requestKeys: new MemoryRequestKeys(core),
    attempts: new MemoryAttempts(core),
    timers: new MemoryTimers(core),
    concurrency: new MemoryConcurrency(core),
    schedules: new MemorySchedules(core),
    scheduleLooks: new MemoryScheduleLooks(core),
    hosts: new MemoryHosts(core),
    logs: logStore(core),
    outbox: outboxStore(core),
    checks: new MemoryChecks(core),
    deadLetters,
    changes: core.changes,
    measures: () => core.transact(() => measure(core, deadLetters.size)),
    ping: () => core.transact(() => undefined),
    close: async () => core.close(),
  };
}

function logStore(core: Core): LogStore {
  return {
    read: (attemptId, { afterSeq, limit }) =>
      core.transact(() => {
        const chunks = core.tables.attempts.get(attemptId)?.chunks ?? [];
        return chunks.slice(firstAfter(chunks, afterSeq)).slice(0, limit);
      }),
  };
}

/** Where in the ordered chunks the first number above `seq` is. */
function firstAfter(chunks: readonly LogChunkRecord[], seq: number): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chunks[middle]?.seq ?? 0) <= seq) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function outboxStore(core: Core): OutboxStore {
  const { outbox } = core.tables;
  return {
    peek: (limit) =>
      core.transact(() => [...outbox].slice(0, limit).map(([id, { at: _at, ...post }]) => ({ id, ...post }))),
    remove: (ids) =>
      core.transact(() => {
        for (const id of ids) {
          outbox.delete(id);
        }
      }),
    oldestAgeMs: () =>
      core.transact(() => {
        const [oldest] = outbox.values();
        return oldest && Math.max(0, core.now().getTime() - oldest.at.getTime());
      }),
  };
}
