import { SolsticeError, toError } from '@solstice/common/errors';
import type { Logger } from '@solstice/common/telemetry';

export interface BackgroundLoopOptions {
  /** For the log, and for who reports the crash. */
  name: string;
  /** One pass over what there is to do. Called again at once after a wake() that came during it. */
  pass(): Promise<void>;
  /** The pause before a pass that nobody asked for; up to a fifth more or less. */
  sweepMs: number;
  /** The least pause between two passes, also when woken: folds many changes into one pass. Default 0. */
  minGapMs?: number;
  logger: Logger;
  /** The loop has ended without being asked to: the process has to stop. */
  onCrash(error: Error, name: string): void;
}

/**
 * Calls `pass` now, when woken, and every few seconds, one at a time. An outage (a retryable SolsticeError) is logged
 * and waited out; any other rejection ends the loop and is reported as a crash, because nobody knows what it left.
 */
export class BackgroundLoop {
  readonly #options: BackgroundLoopOptions;
  #woken = false;
  #stopping = false;
  #ring: (() => void) | undefined;
  #ended: Promise<void> | undefined;

  constructor(options: BackgroundLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#ended ??= this.#run();
  }

  wake(): void {
    this.#woken = true;
    this.#ring?.();
  }

  /** No pass begins any more; the one that runs is waited for. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#ring?.();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { name, pass, sweepMs, minGapMs = 0, logger, onCrash } = this.#options;
    let failures = 0;
    while (!this.#stopping) {
      this.#woken = false;
      try {
        await pass();
        failures = 0;
      } catch (error) {
        if (!(error instanceof SolsticeError && error.retryable)) {
          onCrash(toError(error), name);
          return;
        }
        failures++;
        logger.warn({ err: error, loop: name, failures }, 'a background pass failed; it is tried again');
      }
      // After a failure a wake-up does not hurry: it would only hammer what is down.
      const gapMs = failures === 0 ? minGapMs : Math.min(100 * 2 ** failures, sweepMs) * (0.5 + Math.random() / 2);
      await this.#pause(gapMs, false);
      if (!this.#woken && failures === 0) await this.#pause(sweepMs * (0.8 + Math.random() * 0.4), true);
    }
  }

  async #pause(ms: number, untilWoken: boolean): Promise<void> {
    if (ms <= 0 || this.#stopping) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#ring = () => {
        if (!untilWoken && !this.#stopping) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#ring = undefined;
  }
}
