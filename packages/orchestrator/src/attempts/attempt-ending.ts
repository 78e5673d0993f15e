import { SolsticeError } from '@solstice/common/errors';
import { pause } from '@solstice/common/loops';
import type { AttemptStore, CommandOutcome } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { Worker } from '@solstice/workers/backends';
import { untilSettled } from '../hosts/settled.js';

/** Why the supervision of an attempt ended. Everything but `left` has destroyed the worker. */
export type AttemptEnd = 'finished' | 'lost' | 'fenced' | 'left';

export interface AttemptEndingOptions {
  worker: Worker;
  store: AttemptStore;
  logger: Logger;
  /** Ends the runner, if it is connected. */
  dismiss(): void;
}

export interface EndOptions {
  /** `by-itself`: the runner has said its last word and is left a moment to take the acknowledgement and to exit. */
  runner?: 'by-itself' | 'dismiss';
  /**
   * The worker is gone before anyone hears of the end: for work that must never overlap with its next attempt, and for
   * a host that can tell nobody.
   */
  killFirst?: boolean;
}

const EXIT_GRACE_MS = 2_000;
const RETRY_MS = { first: 200, most: 10_000 };

/** The one way out of an attempt: whatever ends it first is told to the store, once, and the worker is taken away. */
export class AttemptEnding {
  readonly #options: AttemptEndingOptions;
  /** Aborted when this process lets go: what is still tried is for the next one. */
  readonly #leaving = new AbortController();
  /** Aborted when the attempt is settled or let go: its clocks stop. */
  readonly #over = new AbortController();
  readonly #ended: Promise<AttemptEnd>;
  #resolveEnded!: (end: AttemptEnd) => void;
  /** Set before the first await, so that there is only one ending. */
  #begun = false;
  #settled = false;

  constructor(options: AttemptEndingOptions) {
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get begun(): boolean {
    return this.#begun;
  }
  get settled(): boolean {
    return this.#settled;
  }
  /** This process may tell neither the store nor the runner anything any more. */
  get left(): boolean {
    return this.#leaving.signal.aborted && !this.#settled;
  }
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Settles when the attempt is over for this process; the worker is destroyed by then, unless it was left. */
  ended(): Promise<AttemptEnd> {
    return this.#ended;
  }

  /** Lets go without touching worker or store. An ending that is under way is not tried again where it fails. */
  leave(): void {
    this.#leaving.abort();
    this.#over.abort();
    if (this.#begun) return;
    this.#begun = true;
    this.#resolveEnded('left');
  }

  async end(
    end: AttemptEnd,
    tell: (store: AttemptStore) => Promise<CommandOutcome | undefined>,
    options: EndOptions = {},
  ): Promise<AttemptEnd> {
    if (this.#begun) return this.#settled ? 'finished' : this.#ended;
    this.#begun = true;
    if (options.killFirst === true) {
      this.#options.dismiss();
      await this.#untilDone(() => this.#options.worker.destroy());
    }
    const told = await this.#tell(end, tell);
    if (told === 'left') {
      this.#resolveEnded('left');
      return 'left';
    }
    this.#settled = true;
    this.#over.abort();
    void this.#takeAway(told, options.runner === 'by-itself' && told === 'finished');
    return told;
  }

  /** One call of the store, repeated until it answers. */
  settle<T>(call: (store: AttemptStore) => Promise<T>): Promise<T> {
    const signal = AbortSignal.any([this.#leaving.signal, this.#over.signal]);
    return untilSettled(() => call(this.#options.store), signal, this.#options.logger);
  }

  async #tell(
    end: AttemptEnd,
    tell: (store: AttemptStore) => Promise<CommandOutcome | undefined>,
  ): Promise<AttemptEnd> {
    const { store, logger } = this.#options;
    try {
      const outcome = await untilSettled(() => tell(store), this.#leaving.signal, logger);
      if (outcome && 'refused' in outcome) {
        logger.info({ reason: outcome.reason, state: outcome.state }, 'the attempt had ended before');
      }
      return end;
    } catch (error) {
      if (this.#leaving.signal.aborted) return 'left';
      if (!(error instanceof SolsticeError && error.code === 'fence-lost')) {
        logger.error({ err: error }, 'the end of the attempt could not be stored');
      }
      return 'fenced';
    }
  }

  async #takeAway(end: AttemptEnd, runnerEndsByItself: boolean): Promise<void> {
    const { worker, store, dismiss } = this.#options;
    if (runnerEndsByItself) await Promise.race([worker.wait(), pause(EXIT_GRACE_MS, { ref: false })]);
    else dismiss();
    // A reservation is given back only for a worker that is really gone.
    const done = await this.#untilDone(async () => {
      await worker.destroy();
      await store.releaseWorker(worker.id);
    });
    this.#resolveEnded(done ? end : 'left');
  }

  /** False: let go in between. */
  async #untilDone(work: () => Promise<void>): Promise<boolean> {
    let told = '';
    for (let pauseMs = RETRY_MS.first; ; pauseMs = Math.min(pauseMs * 2, RETRY_MS.most)) {
      try {
        await work();
        return true;
      } catch (error) {
        const reason = String(error);
        if (reason !== told) this.#options.logger.warn({ err: error }, 'the worker is not away yet; trying again');
        told = reason;
      }
      const { signal } = this.#leaving;
      await pause(pauseMs, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return false;
    }
  }
}
