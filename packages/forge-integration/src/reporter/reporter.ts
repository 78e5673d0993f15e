import { type Clock, systemClock } from '@solstice/common/clock';
import { SolsticeError, toError } from '@solstice/common/errors';
import { BackgroundLoop, combine, type PartHealth } from '@solstice/common/loops';
import type { Consumer, Queue } from '@solstice/common/queue';
import type { CheckRecord, Repository, Store } from '@solstice/common/store';
import { commitAttributes, type Logger, type Metrics, noTracing, type Tracing } from '@solstice/common/telemetry';
import { backoffMs } from '../backoff.js';
import type { Forges } from '../forges/create-forges.js';
import type { Forge } from '../forges/forge.js';
import { ForgeError } from '../forges/forge-error.js';

export interface ReporterDependencies {
  store: Pick<Store, 'checks' | 'repositories'>;
  queue: Pick<Queue, 'subscribe'>;
  forges: Forges;
  /** What links begin with; no slash at the end. */
  publicUrl: () => string;
  logger: Logger;
  onCrash(error: Error, name: string): void;
  clock?: Clock;
  /** How often to look without being woken. Default 5 s. */
  sweepMs?: number;
  metrics?: Pick<Metrics, 'count'>;
  tracing?: Tracing;
}

export interface Reporter {
  start(): Promise<void>;
  /** Waits for the requests under way. Idempotent. */
  stop(): Promise<void>;
  /** Of its own work; what a forge refuses is told with the checks. */
  health(): PartHealth;
}

/** Well under the lease, so that a slow answer never meets a second sender. */
const REPORT_TIMEOUT_MS = 20_000;
const LEASE_MS = 60_000;
/** Requests to one forge at once. */
const AT_ONCE = 4;
/** Folds the quick changes of a short run into one report. */
const MIN_GAP_MS = 200;
const UNAVAILABLE_BACKOFF = { firstMs: 1_000, mostMs: 5 * 60_000 };
const REFUSED_BACKOFF = { firstMs: 5_000, mostMs: 10 * 60_000 };
const MOST_RETRY_AFTER_MS = 60 * 60_000;

/**
 * Brings every check's newest state to its forge, one lane for each forge, so that a slow one holds up no other. A
 * check is tried until the forge takes it, however long that is; after an answer that was lost it is sent once more.
 */
export function createReporter(dependencies: ReporterDependencies): Reporter {
  const { queue, onCrash } = dependencies;
  const logger = dependencies.logger.child({ part: 'reporter' });
  const lanes = new Map(
    [...dependencies.forges.values()].map((forge) => {
      const lane = new Lane(forge, { ...dependencies, logger });
      const loop = new BackgroundLoop({
        name: `reporter ${forge.id}`,
        everyMs: dependencies.sweepMs ?? 5_000,
        minGapMs: MIN_GAP_MS,
        logger,
        onCrash,
        metrics: dependencies.metrics,
        pass: () => lane.pass(() => stopping),
      });
      return [forge.id, loop];
    }),
  );
  let stopping = false;
  let bell: Consumer | undefined;
  return {
    async start() {
      for (const loop of lanes.values()) loop.start();
      bell ??= await queue.subscribe({ kind: 'report' }, async (message) => {
        if (message.kind === 'report') lanes.get(message.forge)?.wake();
      });
    },
    async stop() {
      stopping = true;
      await bell?.cancel();
      await Promise.all([...lanes.values()].map((loop) => loop.stop()));
    },
    health: () => combine(Object.fromEntries([...lanes].map(([forge, loop]) => [forge, loop.health()]))),
  };
}

class Lane {
  readonly #forge: Forge;
  readonly #dependencies: ReporterDependencies;
  readonly #clock: Clock;
  /** The forge asked for silence until then. */
  #quietUntilMs = 0;

  constructor(forge: Forge, dependencies: ReporterDependencies) {
    this.#forge = forge;
    this.#dependencies = dependencies;
    this.#clock = dependencies.clock ?? systemClock;
  }

  async pass(stopping: () => boolean): Promise<void> {
    while (!stopping() && this.#clock.now().getTime() >= this.#quietUntilMs) {
      const { store } = this.#dependencies;
      const leased = await store.checks.lease({ forge: this.#forge.id, limit: AT_ONCE, leaseMs: LEASE_MS });
      if (leased.length === 0) return;
      // All to their end before one failure of the store is passed on.
      const outcomes = await Promise.allSettled(leased.map((check) => this.#report(check)));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    }
  }

  async #report(check: CheckRecord): Promise<void> {
    const { store, logger, publicUrl } = this.#dependencies;
    const about = { forge: check.forge, check: check.id, context: check.context, version: check.desiredVersion };
    try {
      const repository = await store.repositories.get(check.repositoryId);
      if (!repository) throw new ForgeError('refused', `repository ${check.repositoryName} is not known any more`);
      const { pageKey } = check.desired;
      const link = pageKey === undefined ? undefined : `${publicUrl()}/runs/${pageKey}`;
      await this.#send(check, repository, link);
    } catch (thrown) {
      if (thrown instanceof SolsticeError && thrown.code === 'database-unavailable') throw thrown;
      const error = toError(thrown);
      const { delayMs, quiet } = this.#delayAfter(error, check.tries);
      logger.warn(
        { ...about, err: error, tries: check.tries + 1, delayMs: Math.round(delayMs) },
        'forge did not take a report',
      );
      const nextTryAt = new Date(this.#clock.now().getTime() + delayMs);
      if (quiet) this.#quietUntilMs = Math.max(this.#quietUntilMs, nextTryAt.getTime());
      await store.checks.failed(check.id, error.message, nextTryAt, check.lease);
      return;
    }
    await store.checks.sent(check.id, check.desiredVersion, check.lease);
    logger.debug({ ...about, state: check.desired.state }, 'reported');
  }

  /** One request to the forge, counted and traced. */
  async #send(check: CheckRecord, repository: Repository, link: string | undefined): Promise<void> {
    const { tracing = noTracing, metrics } = this.#dependencies;
    const { forge, repositoryName, commit, context, desired } = check;
    const span = tracing.span('report', {
      kind: 'client',
      parent: check.trace,
      attributes: {
        ...commitAttributes({ forge, repositoryName, commit }),
        'cicd.pipeline.run.id': check.runId,
        'solstice.check.context': context,
        'solstice.check.state': desired.state,
      },
    });
    const count = (result: string) => metrics?.count('solstice_reports_total', { forge, result });
    try {
      const timeout = AbortSignal.timeout(REPORT_TIMEOUT_MS);
      await this.#forge.reportCheck(repository, commit, context, desired, link, timeout);
      count('accepted');
      span.end();
    } catch (error) {
      const isRefused = error instanceof ForgeError && error.problem !== 'unavailable';
      count(isRefused ? 'refused' : 'unavailable');
      span.end({ errorType: error instanceof SolsticeError ? error.code : 'unavailable' });
      throw error;
    }
  }

  #delayAfter(error: Error, tries: number): { delayMs: number; quiet: boolean } {
    if (!(error instanceof ForgeError)) return { delayMs: backoffMs(tries, UNAVAILABLE_BACKOFF), quiet: false };
    const { retryAfterMs } = error;
    if (retryAfterMs !== undefined) {
      // A little more than asked, and not all at the same instant.
      const delayMs = Math.min(retryAfterMs, MOST_RETRY_AFTER_MS) + Math.random() * 500;
      return { delayMs, quiet: true };
    }
    const backoff = error.problem === 'unavailable' ? UNAVAILABLE_BACKOFF : REFUSED_BACKOFF;
    return { delayMs: backoffMs(tries, backoff), quiet: false };
  }
}
