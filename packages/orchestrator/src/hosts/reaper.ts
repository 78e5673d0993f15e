import { type Clock, systemClock } from '@solstice/common/clock';
import { BackgroundLoop, type PartHealth } from '@solstice/common/loops';
import type { HostStore } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';
import { LEASE_MS, RENEW_MS } from './lease-times.js';

type Host = Awaited<ReturnType<HostStore['renewals']>>[number];

export interface ReaperOptions {
  store: Pick<HostStore, 'renewals' | 'reap'>;
  logger: Logger;
  clock?: Clock;
  leaseMs?: number;
}

/**
 * Finds hosts that stopped renewing. It believes only what it has seen itself: the same renewal counter through one
 * full lease, on its own monotonic clock, without a gap in its own looking. After a failed or a late look, or over
 * another session with the database, it starts anew: whatever kept it from looking may have kept the hosts from
 * renewing. The store checks once more under the host's lock.
 */
export class Reaper {
  readonly #store: Pick<HostStore, 'renewals' | 'reap'>;
  readonly #leaseMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #seen = new Map<string, Sighting>();
  #lookedMs: number | undefined;

  constructor({ store, logger, clock = systemClock, leaseMs = LEASE_MS }: ReaperOptions) {
    this.#store = store;
    this.#leaseMs = leaseMs;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** One look; called every few seconds. */
  async look(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#seen.clear();
      throw error;
    }
  }

  async #look(): Promise<void> {
    const hosts = await this.#store.renewals();
    const now = this.#clock.monotonicMs();
    // Half a lease: room for a slow answer, and no host that renews is ever silent for the other half.
    if (this.#lookedMs !== undefined && now - this.#lookedMs > this.#leaseMs / 2) this.#seen.clear();
    this.#lookedMs = now;
    const before = this.#seen;
    this.#seen = new Map();
    for (const host of hosts) {
      if (!host.hasLeases) continue;
      const sighting = before.get(host.id);
      const sinceMs = sighting && isUnchanged(sighting, host) ? sighting.sinceMs : now;
      if (now - sinceMs < this.#leaseMs) {
        this.#seen.set(host.id, { ...host, sinceMs });
        continue;
      }
      const lost = await this.#store.reap(host.id, host);
      this.#logger.warn({ hostId: host.id, lost }, 'a host did not renew its lease; its attempts are lost');
    }
  }
}

interface Sighting extends Host {
  /** Monotonic: when this counter was first seen. */
  sinceMs: number;
}

function isUnchanged(before: Host, now: Host): boolean {
  return before.renewals === now.renewals && before.instance === now.instance && before.session === now.session;
}

type LoopMetrics = Pick<Metrics, 'count'>;

export interface RunningReaper {
  stop(): Promise<void>;
  health(): PartHealth;
}

/** For every process that has a store, whatever its role: a fleet without one reaper would keep lost jobs waiting. */
export function startReaper(
  options: ReaperOptions & {
    onCrash(error: Error, name: string): void;
    everyMs?: number;
    metrics?: LoopMetrics | undefined;
  },
): RunningReaper {
  const logger = options.logger.child({ part: 'reaper' });
  const reaper = new Reaper({ ...options, logger });
  const loop = new BackgroundLoop({
    name: 'reaper',
    everyMs: options.everyMs ?? RENEW_MS,
    pass: () => reaper.look(),
    passWithinMs: LEASE_MS,
    logger,
    onCrash: options.onCrash,
    metrics: options.metrics,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  loop.start();
  return { stop: () => loop.stop(), health: () => loop.health() };
}
