/** What people and databases read. May jump either way. */
export interface WallClock {
  now(): Date;
}

/** Both kinds of time, so that a test can let a day pass, or a process be stopped for a minute. */
export interface Clock extends WallClock {
  /** Milliseconds from some instant on; never jumps back. What a lease, a pause or an age is measured with. */
  monotonicMs(): number;
}

export const systemClock: Clock = { now: () => new Date(), monotonicMs: () => performance.now() };
