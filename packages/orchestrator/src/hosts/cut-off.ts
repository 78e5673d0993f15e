import type { Clock } from '@solstice/common/clock';
import type { HostLease } from './host-lease.js';

export interface CutOffOptions {
  lease: Pick<HostLease, 'leftMs' | 'confirmedMs'>;
  clock: Clock;
  /** What killing takes at most: so long before the end of the lease exclusive work has to go. */
  exclusiveMarginMs: number;
  /** How long ordinary work goes on after the last confirmed exchange. */
  detachedForMs: number;
  /** Exclusive work must be killed now. Called again, every second, while that is so. */
  onExclusive(): void;
  /** All work must be killed now. Called again, every second, while that is so. */
  onDetached(): void;
}

const AGAIN_MS = 1_000;
const TIMER_MAX_MS = 2 ** 31 - 1;

/**
 * The clocks of a host that can't renew its lease, because the database is away or it is itself cut off: it can't
 * know which. Ordinary work goes on for a while, for a long outage should cost no job; exclusive work is dead before
 * anyone else can be given it.
 */
export class CutOff {
  readonly #options: CutOffOptions;
  readonly #timers: { exclusive?: NodeJS.Timeout; detached?: NodeJS.Timeout } = {};
  #stopped = false;

  constructor(options: CutOffOptions) {
    this.#options = options;
    this.#arm('exclusive', () => this.exclusiveLeftMs(), options.onExclusive);
    this.#arm('detached', () => this.detachedLeftMs(), options.onDetached);
  }

  /** How long exclusive work may still run if no exchange succeeds from now on; 0 or less: not at all. */
  exclusiveLeftMs(): number {
    return this.#options.lease.leftMs() - this.#options.exclusiveMarginMs;
  }

  detachedLeftMs(): number {
    const { lease, detachedForMs, clock } = this.#options;
    return lease.confirmedMs + detachedForMs - clock.monotonicMs();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timers.exclusive);
    clearTimeout(this.#timers.detached);
  }

  /** A timer that rings too early, because there was an exchange since, is wound up again. */
  #arm(which: 'exclusive' | 'detached', leftMs: () => number, act: () => void): void {
    if (this.#stopped) return;
    const ring = () => {
      if (leftMs() <= 0) act();
      this.#arm(which, leftMs, act);
    };
    const left = leftMs();
    const timer = setTimeout(ring, left <= 0 ? AGAIN_MS : Math.min(left, TIMER_MAX_MS));
    timer.unref();
    this.#timers[which] = timer;
  }
}
