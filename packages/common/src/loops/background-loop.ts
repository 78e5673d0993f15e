import { type Clock, systemClock } from '../clock/index.js';
import { SolsticeError, toError } from '../errors/index.js';
import type { Logger, Metrics } from '../telemetry/index.js';
import { LoopRecord } from './loop-record.js';
import type { PartHealth } from './part-health.js';

export interface BackgroundLoopOptions {
  /** For the log, for its health, and for who reports the crash. */
  name: string;
  /**
   * One pass over what there is to do. Called again at once after a wake() that came during it. `signal` is aborted
   * when the loop is to stop: a pass that would wait for long ends early.
   */
  pass(signal: AbortSignal): Promise<void>;
  /** The pause before a pass that nobody asked for; up to a fifth more or less, so that processes do not march in step. */
  everyMs: number;
  /** The least pause between two passes, also when woken: folds many changes into one pass. Default 0. */
  minGapMs?: number;
  /** A pass that takes longer counts as hanging. Default: it may take as long as it likes. */
  passWithinMs?: number;
  /** Which failures are waited out. Default: SolsticeErrors that are retryable. */
  tolerates?(error: Error): boolean;
  logger: Logger;
  /** The loop has ended without being asked to: the process has to stop. */
  onCrash(error: Error, name: string): void;
  clock?: Clock;
  metrics?: Pick<Metrics, 'count'> | undefined;
}

/** Of the pauses between failures: who looks once a minute need not wait one when what was down is up again. */
const MOST_GAP_MS = 5_000;

/**
 * Calls `pass` now, when woken, and every few seconds, one at a time. A failure that it tolerates (an outage) is
 * waited out, told in `health`, and logged once, not at each try; any other ends the loop and is reported as a crash,
 * because nobody knows what it left.
 */
export class BackgroundLoop {
  readonly #options: BackgroundLoopOptions;
  readonly #record: LoopRecord;
  readonly #stopping = new AbortController();
  /** Who waits for a pass that has not begun yet. */
  #awaiting: (() => void)[] = [];
  #woken = false;
  #ring: (() => void) | undefined;
  #ended: Promise<void> | undefined;

  constructor(options: BackgroundLoopOptions) {
    this.#options = options;
    const { name, logger, clock = systemClock, passWithinMs } = options;
    this.#record = new LoopRecord({ name, logger, clock, passWithinMs });
  }

  /** Idempotent. */
  start(): void {
    this.#ended ??= this.#run();
  }

  wake(): void {
    this.#woken = true;
    this.#ring?.();
  }

  /** Wakes it, and settles when a pass that began after this call is over, well or not, or the loop has ended. */
  passed(): Promise<void> {
    if (this.#stopping.signal.aborted || this.#record.crashed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#awaiting.push(resolve);
      this.wake();
    });
  }

  /** No pass begins any more; the one that runs is waited for. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#ring?.();
    await this.#ended;
    this.#record.stopped();
  }

  /** Not well before its first good pass, while it fails or hangs, and after its end. */
  health(): PartHealth {
    return this.#record.health();
  }

  /** Passes that failed since the start. */
  get failures(): number {
    return this.#record.failures;
  }

  async #run(): Promise<void> {
    const { name, pass, everyMs, minGapMs = 0, onCrash, tolerates = isOutage } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#woken = false;
      const awaiting = this.#awaiting;
      this.#awaiting = [];
      this.#record.began();
      try {
        await pass(signal);
        this.#record.succeeded();
      } catch (thrown) {
        const error = toError(thrown);
        // What a stopped pass says on its way out is no news.
        if (signal.aborted) break;
        if (!tolerates(error)) {
          this.#record.crash(error);
          this.#release();
          for (const resolve of awaiting) resolve();
          onCrash(error, name);
          return;
        }
        this.#record.failed(error);
        this.#options.metrics?.count('solstice_loop_failures_total', { loop: name });
      } finally {
        for (const resolve of awaiting) resolve();
      }
      const failures = this.#record.failuresInARow;
      // After a failure a wake-up does not hurry: it would only hammer what is down.
      const gapMs =
        failures === 0 ? minGapMs : Math.min(100 * 2 ** Math.min(failures, 20), everyMs, MOST_GAP_MS) * jitter(0.5, 1);
      await this.#pause(gapMs, false);
      if (!this.#woken && failures === 0) await this.#pause(everyMs * jitter(0.8, 1.2), true);
    }
    this.#release();
  }

  #release(): void {
    for (const resolve of this.#awaiting) resolve();
    this.#awaiting = [];
  }

  async #pause(ms: number, untilWoken: boolean): Promise<void> {
    if (ms <= 0 || this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#ring = () => {
        if (!untilWoken && !this.#stopping.signal.aborted) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#ring = undefined;
  }
}

const isOutage = (error: Error) => error instanceof SolsticeError && error.retryable;
const jitter = (from: number, to: number) => from + Math.random() * (to - from);
