import { SolsticeError } from '../../errors/index.js';
import type { FlowEvent } from '../../flow/index.js';
import type { Metrics } from '../../telemetry/index.js';
import type {
  AttemptStore,
  ConcurrencyStore,
  DeliveryStore,
  HostStore,
  RunStore,
  ScheduleStore,
  Store,
  TimerStore,
} from '../port/index.js';
import { MeasuresOnScrape, type MeasuresOptions } from './measures-on-scrape.js';

/**
 * The same store, counted. Put on once, where the parts are put together: it also reads the store's measures at each
 * scrape, until the store is closed.
 */
export function withStoreMetrics(store: Store, metrics: Metrics, options: MeasuresOptions = {}): Store {
  const measures = new MeasuresOnScrape(store, metrics, options);
  return replacing(store, {
    deliveries: countedDeliveries(store.deliveries, metrics),
    runs: countedRuns(store.runs, metrics),
    attempts: countedAttempts(store.attempts, metrics),
    timers: countedTimers(store.timers, metrics),
    concurrency: countedConcurrency(store.concurrency, metrics),
    schedules: countedSchedules(store.schedules, metrics),
    hosts: countedHosts(store.hosts, metrics),
    close: async () => {
      measures.stop();
      await store.close();
    },
  });
}

function countedDeliveries(inner: DeliveryStore, metrics: Metrics): DeliveryStore {
  const count = (state: string) => metrics.count('solstice_deliveries_total', { state });
  return replacing(inner, {
    accept: async (given) => {
      const answer = await inner.accept(given);
      if (answer.kind === 'accepted') count(answer.delivery.state);
      return answer;
    },
    settle: async (id, state, reason) => {
      const settled = await inner.settle(id, state, reason);
      if (settled) count(state);
      return settled;
    },
    postpone: async (id, reason, nextTryAt) => {
      const postponed = await inner.postpone(id, reason, nextTryAt);
      if (postponed) count('postponed');
      return postponed;
    },
  });
}

function countedRuns(inner: RunStore, metrics: Metrics): RunStore {
  return replacing(inner, {
    plan: async (request) => {
      const answer = await inner.plan(request);
      if (answer.planned && request.deliveryId !== undefined) {
        metrics.count('solstice_deliveries_total', { state: request.outcome.state });
      }
      return answer;
    },
    command: async (runId, command) => {
      const outcome = await inner.command(runId, command);
      if ('events' in outcome) countEndings(metrics, outcome.events);
      return outcome;
    },
    export: async (runId, by) => {
      const outcome = await inner.export(runId, by);
      if ('events' in outcome) countEndings(metrics, outcome.events);
      return outcome;
    },
  });
}

function countedAttempts(inner: AttemptStore, metrics: Metrics): AttemptStore {
  /** Counts what ended, and what the fence has refused. */
  const fenced =
    <Args extends unknown[], Answer extends object>(
      operation: string,
      call: (...args: Args) => Promise<Answer>,
    ): ((...args: Args) => Promise<Answer>) =>
    async (...args) => {
      try {
        const answer = await call(...args);
        if ('events' in answer) countEndings(metrics, answer.events as FlowEvent[]);
        return answer;
      } catch (error) {
        if (error instanceof SolsticeError && error.code === 'fence-lost') {
          metrics.count('solstice_fence_refusals_total', { operation });
        }
        throw error;
      }
    };
  return replacing(inner, {
    claim: async (request) => {
      const beganMs = performance.now();
      let result = 'failed';
      try {
        const claim = await inner.claim(request);
        result = claim === undefined ? 'nothing' : 'claimed';
        if (claim !== undefined && !claim.repeated) {
          const waitedMs = Math.max(0, claim.claimedAt.getTime() - claim.queuedAt.getTime());
          metrics.observe('solstice_claim_wait_seconds', { pool: claim.pool.name }, waitedMs / 1_000);
        }
        return claim;
      } finally {
        metrics.observe('solstice_claim_duration_seconds', { result }, (performance.now() - beganMs) / 1_000);
      }
    },
    start: fenced('start', (fence) => inner.start(fence)),
    finish: fenced('finish', (fence, result) => inner.finish(fence, result)),
    refuse: fenced('refuse', (fence, detail, retryable, problem) => inner.refuse(fence, detail, retryable, problem)),
    lose: fenced('lose', (fence, detail) => inner.lose(fence, detail)),
    record: fenced('record', (fence, records) => inner.record(fence, records)),
  });
}

function countedTimers(inner: TimerStore, metrics: Metrics): TimerStore {
  return replacing(inner, {
    fire: async (limit) => {
      const answer = await inner.fire(limit);
      countEndings(metrics, answer.events);
      return answer;
    },
  });
}

function countedConcurrency(inner: ConcurrencyStore, metrics: Metrics): ConcurrencyStore {
  return replacing(inner, {
    settle: async (limit) => {
      const answer = await inner.settle(limit);
      countEndings(metrics, answer.events);
      return answer;
    },
  });
}

/** A tick is a delivery that came in, whoever brought it. */
function countedSchedules(inner: ScheduleStore, metrics: Metrics): ScheduleStore {
  return replacing(inner, {
    take: async (limit) => {
      const answer = await inner.take(limit);
      if (answer.taken.length > 0) {
        metrics.count('solstice_deliveries_total', { state: 'received' }, answer.taken.length);
      }
      return answer;
    },
  });
}

function countedHosts(inner: HostStore, metrics: Metrics): HostStore {
  return replacing(inner, {
    reap: async (id, seen) => {
      const lost = await inner.reap(id, seen);
      if (lost > 0) metrics.count('solstice_attempts_ended_total', { state: 'lost', cause: 'lost' }, lost);
      return lost;
    },
  });
}

function countEndings(metrics: Metrics, events: readonly FlowEvent[]): void {
  for (const event of events) {
    if (event.kind !== 'attempt.ended') continue;
    metrics.count('solstice_attempts_ended_total', { state: event.state, cause: event.cause?.kind ?? 'none' });
  }
}

/** `inner` with some of its members in another way; whatever else it has stays as it is. */
function replacing<Port extends object>(inner: Port, others: Partial<Port>): Port {
  return new Proxy(inner, {
    get: (target, name) => {
      const other: unknown = Reflect.get(others, name);
      if (other !== undefined) return other;
      const own: unknown = Reflect.get(target, name, target);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}
