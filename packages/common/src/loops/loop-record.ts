import type { Clock } from '../clock/index.js';
import { SolsticeError } from '../errors/index.js';
import type { Logger } from '../telemetry/index.js';
import type { PartHealth } from './part-health.js';

export interface LoopRecordOptions {
  name: string;
  logger: Logger;
  clock: Clock;
  passWithinMs: number | undefined;
}

/** What is known of a loop's passes: how it does, since when, and why; and what of it is worth a line in the log. */
export class LoopRecord {
  /** Since the start. */
  failures = 0;
  failuresInARow = 0;
  readonly #options: LoopRecordOptions;
  #state: 'new' | 'running' | 'crashed' | 'stopped' = 'new';
  #passBeganMs: number | undefined;
  #succeededMs: number | undefined;
  #failing: { since: Date; sinceMs: number; reason: string } | undefined;
  #crashReason = '';

  constructor(options: LoopRecordOptions) {
    this.#options = options;
  }

  get crashed(): boolean {
    return this.#state === 'crashed';
  }

  began(): void {
    this.#state = 'running';
    this.#passBeganMs = this.#options.clock.monotonicMs();
  }

  succeeded(): void {
    const { name, logger, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#failing) {
      const lastedMs = Math.round(nowMs - this.#failing.sinceMs);
      logger.info({ loop: name, failures: this.failuresInARow, lastedMs }, 'a background loop does its work again');
    }
    this.#failing = undefined;
    this.failuresInARow = 0;
    this.#passBeganMs = undefined;
    this.#succeededMs = nowMs;
  }

  failed(error: Error): void {
    const { name, logger, clock } = this.#options;
    this.failures += 1;
    this.failuresInARow += 1;
    this.#passBeganMs = undefined;
    const reason = reasonOf(error);
    if (this.#failing?.reason === reason) {
      logger.debug({ loop: name, failures: this.failuresInARow, reason }, 'a background pass failed again');
      return;
    }
    logger.warn(
      { err: error, loop: name, failures: this.failuresInARow },
      'a background pass failed; it is tried again',
    );
    this.#failing = this.#failing
      ? { ...this.#failing, reason }
      : { since: clock.now(), sinceMs: clock.monotonicMs(), reason };
  }

  crash(error: Error): void {
    this.failures += 1;
    this.#state = 'crashed';
    this.#crashReason = reasonOf(error);
  }

  stopped(): void {
    if (this.#state !== 'crashed') this.#state = 'stopped';
  }

  health(): PartHealth {
    if (this.#state === 'new') return { ok: false, detail: 'not started' };
    if (this.#state === 'crashed') return { ok: false, detail: `crashed: ${this.#crashReason}` };
    if (this.#state === 'stopped') return { ok: false, detail: 'stopped' };
    if (this.#failing) {
      const { since, reason } = this.#failing;
      const times = this.failuresInARow === 1 ? 'once' : `${this.failuresInARow} times`;
      return { ok: false, detail: `failing since ${since.toISOString()} (${times}): ${reason}` };
    }
    const { passWithinMs, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const runsForMs = this.#passBeganMs === undefined ? 0 : nowMs - this.#passBeganMs;
    if (passWithinMs !== undefined && runsForMs > passWithinMs) {
      return { ok: false, detail: `hangs: its pass began ${seconds(runsForMs)} ago and has not ended` };
    }
    if (this.#succeededMs === undefined) return { ok: false, detail: 'its first pass is not over yet' };
    return { ok: true, detail: `last good pass ${seconds(nowMs - this.#succeededMs)} ago` };
  }
}

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;

function reasonOf(error: Error): string {
  return error instanceof SolsticeError ? `${error.code}: ${error.message}` : error.message;
}
