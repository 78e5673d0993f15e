import type { Clock } from '@solstice/common/clock';
import { SolsticeError } from '@solstice/common/errors';
import type { HostLoad, HostStore } from '@solstice/common/store';

export type RenewAnswer = Awaited<ReturnType<HostStore['renew']>>;

export interface HostLeaseOptions {
  store: Pick<HostStore, 'renew' | 'leave'>;
  hostId: string;
  instance: string;
  leaseMs: number;
  /** An exchange without an answer by then has failed, whatever becomes of it. */
  answerWithinMs: number;
  clock: Clock;
  /** What goes with the next exchange. */
  describe(): { holding: string[]; notes: string[]; load: HostLoad | undefined };
}

/**
 * What this process knows of its right to be the host. It counts from the *sending* of the last exchange that was
 * confirmed, on the monotonic clock: the store's own count begins later, so here the lease is over first.
 */
export class HostLease {
  readonly #options: HostLeaseOptions;
  #confirmedMs: number;
  #steadySinceMs: number;

  /** `registeredMs`: monotonic, when the registration was sent. */
  constructor(options: HostLeaseOptions, registeredMs: number) {
    this.#options = options;
    this.#confirmedMs = registeredMs;
    this.#steadySinceMs = registeredMs;
  }

  /** Monotonic: when the last confirmed exchange was sent. */
  get confirmedMs(): number {
    return this.#confirmedMs;
  }

  /** What is left of the lease; negative when it may be over. */
  leftMs(): number {
    return this.#confirmedMs + this.#options.leaseMs - this.#options.clock.monotonicMs();
  }

  /** One exchange. Rejects `host-replaced`; `database-unavailable` when no answer came in time. */
  async renew(): Promise<RenewAnswer> {
    const { store, hostId, instance, leaseMs, answerWithinMs, clock, describe } = this.#options;
    const { load, ...said } = describe();
    const sentMs = clock.monotonicMs();
    const exchange = store
      .renew({ id: hostId, instance, leaseMs, ...said, ...(load === undefined ? {} : { load }) })
      .then((answer) => {
        // Also when it comes too late to be acted on: the lease was renewed all the same.
        this.#confirm(sentMs);
        return answer;
      });
    return await answered(exchange, answerWithinMs);
  }

  /** Gives it up. */
  async leave(): Promise<void> {
    const { store, hostId, instance, answerWithinMs } = this.#options;
    await answered(store.leave(hostId, instance), answerWithinMs);
  }

  /** For how long it has been renewed without a gap of half a lease; 0 while there is one. */
  steadyForMs(): number {
    return this.leftMs() < this.#options.leaseMs / 2 ? 0 : this.#options.clock.monotonicMs() - this.#steadySinceMs;
  }

  #confirm(sentMs: number): void {
    if (sentMs <= this.#confirmedMs) return;
    if (sentMs - this.#confirmedMs > this.#options.leaseMs / 2) this.#steadySinceMs = sentMs;
    this.#confirmedMs = sentMs;
  }
}

function answered<T>(exchange: Promise<T>, withinMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new SolsticeError('database-unavailable', `no answer within ${withinMs / 1000} s`)),
      withinMs,
    );
    exchange.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
