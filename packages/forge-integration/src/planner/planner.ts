import { type Clock, systemClock } from '@solstice/common/clock';
import { SolsticeError, toError } from '@solstice/common/errors';
import { BackgroundLoop, combine, type PartHealth } from '@solstice/common/loops';
import type { Consumer, Queue } from '@solstice/common/queue';
import type { Delivery, Store } from '@solstice/common/store';
import { type Logger, type Metrics, noTracing, type TraceContext, type Tracing } from '@solstice/common/telemetry';
import { parseWorkflowsInWorker } from '@solstice/common/workflow';
import { backoffMs } from '../backoff.js';
import { eventAttributes } from '../event-attributes.js';
import type { Forges } from '../forges/create-forges.js';
import { ForgeError } from '../forges/forge-error.js';
import type { Ids, ParseFiles } from './draft-plan.js';
import { judgeDelivery } from './plan-delivery.js';
import { type ManualOutcome, type ManualRequest, planManually } from './plan-manually.js';
import { ScheduleLooks } from './schedule-looks.js';
import { withTrace } from './with-trace.js';

export interface PlannerDependencies {
  store: Pick<
    Store,
    'deliveries' | 'repositories' | 'runs' | 'requestKeys' | 'schedules' | 'scheduleLooks' | 'changes'
  >;
  queue: Pick<Queue, 'subscribe'>;
  forges: Forges;
  logger: Logger;
  ids: Ids;
  onCrash(error: Error, name: string): void;
  clock?: Clock;
  /** Default: in a worker thread, with a deadline of 10 s for the files of one commit. */
  parse?: ParseFiles;
  /** How often to look without being woken. Default 5 s. */
  sweepMs?: number;
  metrics?: Pick<Metrics, 'count'>;
  tracing?: Tracing;
}

export interface Planner {
  start(): Promise<void>;
  /** What is being planned is broken off before it writes, or waited for; the sweep of the next process takes it up. Idempotent. */
  stop(): Promise<void>;
  health(): PartHealth;
  /**
   * Plans what a push of that commit would start, or one workflow by its name, with inputs. Works without start(). Rejects
   * with SolsticeError: `not-found`, `usage`, `source-unavailable` (commit gone, or a file could not be read),
   * `forge-unavailable`, `forge-refused`.
   */
  planManually(request: ManualRequest): Promise<ManualOutcome>;
}

const PARSE_DEADLINE_MS = 10_000;
const READ_TIMEOUT_MS = 60_000;
/** Deliveries of one forge at once; another forge has its own, so that a slow one holds up no other. */
const AT_ONCE = 4;
const DUE_BATCH = 200;
const BACKOFF = { firstMs: 1_000, mostMs: 5 * 60_000 };
const MOST_RETRY_AFTER_MS = 60 * 60_000;
const GIVE_UP_MS = 24 * 60 * 60_000;

/**
 * Turns deliveries of the inbox into runs. Nothing is kept between the steps but the inbox row itself: killed anywhere,
 * the next look starts over, and the transaction that plans begins by taking the row from `received`.
 */
export function createPlanner(dependencies: PlannerDependencies): Planner {
  const { store, queue, forges, ids, onCrash } = dependencies;
  const parse: ParseFiles =
    dependencies.parse ?? ((files) => parseWorkflowsInWorker(files, { deadlineMs: PARSE_DEADLINE_MS }));
  const work = new PlanningWork({ ...dependencies, parse, logger: dependencies.logger.child({ part: 'planner' }) });
  const everyMs = dependencies.sweepMs ?? 5_000;
  const looks = new ScheduleLooks({ ...dependencies, parse, everyMs });
  const loop = new BackgroundLoop({
    name: 'planner',
    everyMs,
    logger: dependencies.logger.child({ part: 'planner' }),
    onCrash,
    metrics: dependencies.metrics,
    pass: async () => {
      for (const delivery of await store.deliveries.due(DUE_BATCH)) work.admit(delivery);
    },
  });
  work.onRoom = () => loop.wake();
  let bell: Consumer | undefined;
  return {
    async start() {
      loop.start();
      looks.start();
      bell ??= await queue.subscribe({ kind: 'delivery' }, async (message) => {
        if (message.kind !== 'delivery') return;
        const delivery = await store.deliveries.get(message.deliveryId);
        if (delivery) work.admit(delivery);
      });
    },
    async stop() {
      await bell?.cancel();
      work.stop();
      await loop.stop();
      await looks.stop();
      await work.settled();
    },
    health: () => combine({ deliveries: loop.health(), 'schedule looks': looks.health() }),
    planManually: (request) => planManually(request, { store, forges, parse, ids, tracing: dependencies.tracing }),
  };
}

class PlanningWork {
  /** Room came free while something waited for it. */
  onRoom: () => void = () => {};
  readonly #dependencies: PlannerDependencies & { parse: ParseFiles };
  readonly #clock: Clock;
  readonly #tasks = new Map<string, { forge: string; done: Promise<void> }>();
  readonly #stopping = new AbortController();
  #turnedAway = false;

  constructor(dependencies: PlannerDependencies & { parse: ParseFiles }) {
    this.#dependencies = dependencies;
    this.#clock = dependencies.clock ?? systemClock;
  }

  /** Begins with it if there is room and it is due; else it is met again by the next sweep. */
  admit(delivery: Delivery): void {
    if (this.#stopping.signal.aborted || this.#tasks.has(delivery.id) || delivery.state !== 'received') return;
    if (delivery.nextTryAt && delivery.nextTryAt.getTime() > this.#clock.now().getTime()) return;
    const ofSameForge = [...this.#tasks.values()].filter(({ forge }) => forge === delivery.forge);
    if (ofSameForge.length >= AT_ONCE) {
      this.#turnedAway = true;
      return;
    }
    const done = this.#plan(delivery)
      .catch((err) =>
        this.#dependencies.logger.warn({ err, delivery: delivery.id }, 'planning broke off; it is taken up again'),
      )
      .finally(() => {
        this.#tasks.delete(delivery.id);
        if (!this.#turnedAway) return;
        this.#turnedAway = false;
        this.onRoom();
      });
    this.#tasks.set(delivery.id, { forge: delivery.forge, done });
  }

  stop(): void {
    this.#stopping.abort();
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#tasks.values()].map(({ done }) => done));
  }

  async #plan(delivery: Delivery): Promise<void> {
    const { tracing = noTracing } = this.#dependencies;
    const { event, forge } = delivery;
    const repositoryName = event?.repository.name ?? '';
    const span = tracing.span('plan', {
      kind: 'consumer',
      parent: delivery.trace,
      attributes: {
        ...eventAttributes(forge, repositoryName, event),
        'solstice.delivery.id': delivery.id,
      },
    });
    let errorType: string | undefined = 'broken-off';
    try {
      errorType = await this.#planOnce(delivery, span.context);
    } finally {
      span.end({ errorType });
    }
  }

  /** Answers why not now; undefined: it is settled. */
  async #planOnce(delivery: Delivery, trace: TraceContext | undefined): Promise<string | undefined> {
    const { store, forges, logger } = this.#dependencies;
    const about = { delivery: delivery.id, forge: delivery.forge };
    try {
      const { event } = delivery;
      if (!event) return await this.#settle(delivery, 'failed', 'it was stored without its event');
      const repository = await store.repositories.get(delivery.repositoryId);
      if (!repository) return await this.#settle(delivery, 'failed', 'its repository is not known any more');
      const forge = forges.get(delivery.forge);
      // An operator who is rearranging the settings has a day to put it back.
      if (!forge) throw new ForgeError('refused', `forge ${delivery.forge} is not in the settings`);
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
      const verdict = await judgeDelivery({ ...delivery, event }, repository, forge, { ...this.#dependencies, signal });
      if (verdict.kind === 'settle') return await this.#settle(delivery, verdict.state, verdict.reason);
      const planned = await store.runs.plan(withTrace(verdict.request, trace));
      const numbers = planned.runs.map(({ number }) => number);
      logger.info(
        { ...about, planned: planned.planned, runs: numbers, ...verdict.request.outcome },
        'delivery planned',
      );
    } catch (thrown) {
      // Outcome unknown, or nothing written: the row says which, so look at it again.
      if (thrown instanceof SolsticeError && thrown.code === 'database-unavailable') throw thrown;
      if (this.#stopping.signal.aborted) return 'broken-off';
      const error = toError(thrown);
      await this.#notNow(delivery, error);
      return error instanceof SolsticeError ? error.code : 'internal';
    }
    return undefined;
  }

  async #settle(delivery: Delivery, state: 'ignored' | 'failed', reason: string): Promise<undefined> {
    const settled = await this.#dependencies.store.deliveries.settle(delivery.id, state, reason);
    this.#dependencies.logger.info({ delivery: delivery.id, state, reason, settled }, 'delivery settled');
    return undefined;
  }

  async #notNow(delivery: Delivery, error: Error): Promise<void> {
    const { store, logger } = this.#dependencies;
    if (error instanceof ForgeError && error.problem === 'commit-gone') {
      return this.#settle(delivery, 'failed', error.message);
    }
    const nowMs = this.#clock.now().getTime();
    const ageMs = nowMs - delivery.receivedAt.getTime();
    if (ageMs >= GIVE_UP_MS) return this.#settle(delivery, 'failed', `given up after 24 hours: ${error.message}`);
    const asked = error instanceof ForgeError ? error.retryAfterMs : undefined;
    const pauseMs = Math.max(backoffMs(delivery.tries, BACKOFF), Math.min(asked ?? 0, MOST_RETRY_AFTER_MS));
    // One last try when the day is over, not after it.
    const delayMs = Math.min(pauseMs, GIVE_UP_MS - ageMs);
    logger.warn(
      { err: error, delivery: delivery.id, tries: delivery.tries + 1, delayMs: Math.round(delayMs) },
      'delivery cannot be planned yet; it is tried again',
    );
    await store.deliveries.postpone(delivery.id, error.message, new Date(nowMs + delayMs));
  }
}
