export interface WatchdogParts {
  monotonicMs: () => number;
  /** The time has run out: kills the steps at once. */
  onExpired(): void;
}

/**
 * Kills exclusive work when nobody says any more that it may go on: its host, stopped or cut off, can't do it, and
 * another may be about to begin with the same work.
 */
export class Watchdog {
  readonly #parts: WatchdogParts;
  #validUntilMs = Number.NEGATIVE_INFINITY;
  #armed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
  }

  /** May be told before it is armed. Later times count, earlier ones change nothing. */
  validUntil(monotonicMs: number): void {
    this.#validUntilMs = Math.max(this.#validUntilMs, monotonicMs);
    if (this.#armed) this.#wind();
  }

  /** From now on. Expires at once when nothing was said. */
  arm(): void {
    this.#armed = true;
    this.#wind();
  }

  /** Nothing runs any more that could do harm. */
  disarm(): void {
    this.#armed = false;
    clearTimeout(this.#timer);
  }

  #wind(): void {
    clearTimeout(this.#timer);
    const leftMs = this.#validUntilMs - this.#parts.monotonicMs();
    if (leftMs > 0) {
      this.#timer = setTimeout(() => this.#wind(), Math.min(leftMs, 2 ** 31 - 1));
      return;
    }
    this.#armed = false;
    this.#parts.onExpired();
  }
}
