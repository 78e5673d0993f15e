export interface SilenceClockParts {
  /** 0: no limit, and it never says a word. */
  limitMs: number;
  monotonicMs: () => number;
  /** Once: nothing was heard for that long. */
  onSilent(): void;
}

/** Timers hold 31 bits of milliseconds, some 24 days; a longer limit is no limit. */
export function isLimit(limitMs: number): boolean {
  return limitMs > 0 && limitMs < 2 ** 31;
}

/**
 * Measures how long nothing has been printed. It stands still while output is held back: what a step prints then is
 * not read, so that nobody knows whether it is silent.
 */
export class SilenceClock {
  readonly #parts: SilenceClockParts;
  /** Silent for so long before `#sinceMs`. */
  #quietMs = 0;
  /** Undefined: it stands still. */
  #sinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(parts: SilenceClockParts) {
    this.#parts = parts;
    this.#over = !isLimit(parts.limitMs);
  }

  /** Something was printed. */
  heard(): void {
    this.#quietMs = 0;
    // The timer is left as it is: it looks again how long it has been.
    if (this.#sinceMs !== undefined) this.#sinceMs = this.#parts.monotonicMs();
  }

  /** It runs from now on. Repeating it does nothing. */
  run(): void {
    if (this.#over || this.#sinceMs !== undefined) return;
    this.#sinceMs = this.#parts.monotonicMs();
    this.#wind();
  }

  /** It stands still from now on. Repeating it does nothing. */
  hold(): void {
    this.#quietMs = this.#silentForMs();
    this.#sinceMs = undefined;
    clearTimeout(this.#timer);
  }

  /** For good. */
  stop(): void {
    this.#over = true;
    this.#sinceMs = undefined;
    clearTimeout(this.#timer);
  }

  #silentForMs(): number {
    return this.#quietMs + (this.#sinceMs === undefined ? 0 : this.#parts.monotonicMs() - this.#sinceMs);
  }

  #wind(): void {
    const leftMs = this.#parts.limitMs - this.#silentForMs();
    // What lies in the pipe was printed in time, though this process was too busy, or held up, to read it: it comes
    // before an immediate.
    this.#timer = setTimeout(() => setImmediate(() => this.#look()), Math.max(1, leftMs));
  }

  #look(): void {
    if (this.#over || this.#sinceMs === undefined) return;
    if (this.#silentForMs() < this.#parts.limitMs) return this.#wind();
    this.stop();
    this.#parts.onSilent();
  }
}
