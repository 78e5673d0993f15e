import { SolsticeError, toError } from '@solstice/common/errors';
import { BackgroundLoop, type PartHealth } from '@solstice/common/loops';
import type { ScheduleLook, Store } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';
import { backoffMs } from '../backoff.js';
import type { Forges } from '../forges/create-forges.js';
import { ForgeError } from '../forges/forge-error.js';
import { defaultRefOf } from './default-ref.js';
import { firstProblem, type ParseFiles, readCommit, unreadIn } from './draft-plan.js';
import { takeLookedAt } from './schedules.js';

export interface ScheduleLooksOptions {
  store: Pick<Store, 'schedules' | 'scheduleLooks' | 'changes'>;
  forges: Forges;
  parse: ParseFiles;
  logger: Logger;
  onCrash(error: Error, name: string): void;
  /** How often to look for what is due without being woken. */
  everyMs: number;
  metrics?: Pick<Metrics, 'count'> | undefined;
}

/** Of one forge at once; another has its own, so that a slow one holds up no other. */
const AT_ONCE = 4;
const READ_TIMEOUT_MS = 60_000;
/** Longer than reading and parsing take: by then whoever had it is gone. */
const HOLD_MS = 2 * 60_000;
const FIRST_PAUSE_MS = 1_000;
/** An outage ends by itself; what a person has to mend is tried less often, and at once when the repository is added again. */
const MOST_PAUSE_MS = { outage: 5 * 60_000, else: 60 * 60_000 };

/**
 * Reads what the default branches say of schedules, of those repositories that somebody has to look at without a push.
 * Killed anywhere, a look falls to the next planner when its time is over; what is written of it is one transaction.
 */
export class ScheduleLooks {
  readonly #options: ScheduleLooksOptions;
  readonly #loop: BackgroundLoop;
  readonly #tasks = new Map<string, { forge: string; done: Promise<void> }>();
  readonly #stopping = new AbortController();
  #unsubscribe: (() => void) | undefined;

  constructor(options: ScheduleLooksOptions) {
    const { everyMs, onCrash, metrics, logger } = options;
    this.#options = { ...options, logger: logger.child({ part: 'schedule looks' }) };
    this.#loop = new BackgroundLoop({
      name: 'schedule looks',
      ...{ everyMs, onCrash, metrics, logger: this.#options.logger },
      pass: (signal) => this.#begin(signal),
    });
  }

  start(): void {
    this.#unsubscribe ??= this.#options.store.changes.on('schedule-looks', () => this.#loop.wake());
    this.#loop.start();
  }

  /** What is being read is broken off, and due at once for whoever comes next. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#stopping.abort();
    await this.#loop.stop();
    await Promise.all([...this.#tasks.values()].map(({ done }) => done));
  }

  health(): PartHealth {
    return this.#loop.health();
  }

  async #begin(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const look = await this.#options.store.scheduleLooks.take({ exceptForges: this.#busyForges(), holdMs: HOLD_MS });
      if (look === undefined) return;
      const name = String(look.place);
      const done = this.#look(look).finally(() => {
        this.#tasks.delete(name);
        this.#loop.wake();
      });
      this.#tasks.set(name, { forge: look.repository.forge, done });
    }
  }

  #busyForges(): string[] {
    const all = [...this.#tasks.values()].map(({ forge }) => forge);
    return [...new Set(all)].filter((forge) => all.filter((one) => one === forge).length >= AT_ONCE);
  }

  async #look(look: ScheduleLook): Promise<void> {
    const { logger } = this.#options;
    const about = { repository: look.repository.name, forge: look.repository.forge };
    try {
      await this.#read(look, about);
    } catch (thrown) {
      const error = toError(thrown);
      try {
        await this.#notNow(look, error, about);
      } catch (err) {
        logger.warn({ ...about, err }, 'a look at a default branch broke off; it is taken up again');
      }
    }
  }

  async #read(look: ScheduleLook, about: object): Promise<void> {
    const { store, forges, parse, logger } = this.#options;
    const { repository } = look;
    const forge = forges.get(repository.forge);
    if (!forge) throw new ForgeError('refused', `forge ${repository.forge} is not in the settings`);
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(READ_TIMEOUT_MS)]);
    const ref = await defaultRefOf(repository, forge, signal);
    const commit = ref === undefined ? undefined : await forge.resolveRef(repository, ref, signal);
    if (ref === undefined || commit === undefined) {
      const problem = ref === undefined ? 'the repository is empty' : `there is no ${ref}`;
      const ended = await store.scheduleLooks.end(look, problem);
      logger.info({ ...about, problem, ended }, 'there is no default branch to read schedules from');
      return;
    }
    const files = await forge.readWorkflowFiles(repository, commit, signal);
    const read = files.length === 0 ? { workflows: [], broken: [] } : await readCommit(files, parse);
    // Taken for what the file says, it would leave its schedules out until somebody pushes.
    const unread = unreadIn(read);
    if (unread !== undefined) throw new Error(firstProblem(unread));
    const { replaced, stale } = await takeLookedAt(look, { ref, commit }, read, store);
    logger.info({ ...about, ref, commit, replaced, stale }, 'the schedules of a default branch were read');
  }

  async #notNow(look: ScheduleLook, error: Error, about: object): Promise<void> {
    const { store, logger } = this.#options;
    // Outcome unknown: its row says whether it has ended, or whoever comes next finds it when its time is over.
    if (error instanceof SolsticeError && error.code === 'database-unavailable') throw error;
    if (this.#stopping.signal.aborted) {
      await store.scheduleLooks.postpone(look, undefined, 0);
      return;
    }
    const outage = error instanceof ForgeError && error.problem === 'unavailable';
    const mostMs = outage ? MOST_PAUSE_MS.outage : MOST_PAUSE_MS.else;
    const askedMs = error instanceof ForgeError ? (error.retryAfterMs ?? 0) : 0;
    const pauseMs = backoffMs(look.tries, { firstMs: FIRST_PAUSE_MS, mostMs });
    const againInMs = Math.round(Math.max(pauseMs, Math.min(askedMs, MOST_PAUSE_MS.else)));
    logger.warn(
      { ...about, err: error, tries: look.tries + 1, againInMs },
      'the schedules of a default branch cannot be read yet; it is tried again',
    );
    await store.scheduleLooks.postpone(look, error.message, againInMs);
  }
}
