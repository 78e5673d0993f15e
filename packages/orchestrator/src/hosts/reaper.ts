import type { HostStore } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';

/**
 * Finds hosts that stopped renewing. It believes only what it has seen itself: the same renewal counter through one
 * full lease, on its own monotonic clock. After a failed look it starts anew, because it may have been cut off
 * itself. The store checks once more under the host's lock.
 */
export class Reaper {
  readonly #store: Pick<HostStore, 'renewals' | 'reap'>;
  readonly #leaseMs: number;
  readonly #monotonicMs: () => number;
  readonly #logger: Logger;
  #seen = new Map<string, Sighting>();

  constructor(store: Pick<HostStore, 'renewals' | 'reap'>, leaseMs: number, monotonicMs: () => number, logger: Logger) {
    this.#store = store;
    this.#leaseMs = leaseMs;
    this.#monotonicMs = monotonicMs;
    this.#logger = logger;
  }

  /** One look; called every few seconds. */
  async look(): Promise<void> {
    let hosts: Awaited<ReturnType<HostStore['renewals']>>;
    try {
      hosts = await this.#store.renewals();
    } catch (error) {
      this.#seen.clear();
      throw error;
    }
    const now = this.#monotonicMs();
    const seen = new Map<string, Sighting>();
    for (const host of hosts) {
      if (!host.hasLeases) continue;
      const before = this.#seen.get(host.id);
      const unchanged = before && before.renewals === host.renewals && before.instance === host.instance;
      const sinceMs = unchanged ? before.sinceMs : now;
      if (now - sinceMs < this.#leaseMs) {
        seen.set(host.id, { instance: host.instance, renewals: host.renewals, sinceMs });
        continue;
      }
      const lost = await this.#store.reap(host.id, host);
      this.#logger.warn({ hostId: host.id, lost }, 'a host did not renew its lease; its attempts are lost');
    }
    this.#seen = seen;
  }
}

interface Sighting {
  instance: string;
  renewals: number;
  /** Monotonic: when this counter was first seen. */
  sinceMs: number;
}
