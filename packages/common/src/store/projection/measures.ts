import type { HostMeasure, HostRecord, PoolMeasure } from '../port/index.js';
import { offerFor } from './index.js';

export interface QueuedInPool {
  pool: string;
  queued: number;
  oldestAt: Date;
}

/** Pools as they are asked for, and as live hosts name them. A `*` is no pool, but serves one. */
export function poolMeasures(queued: readonly QueuedInPool[], hosts: readonly HostRecord[], now: Date): PoolMeasure[] {
  const live = hosts.filter((host) => host.alive && host.state === 'active');
  const named = live.flatMap((host) => host.pools.map((offer) => offer.name)).filter((name) => name !== '*');
  const waiting = new Map(queued.map((one) => [one.pool, one]));
  return [...new Set([...waiting.keys(), ...named])].sort().map((pool) => {
    const found = waiting.get(pool);
    return {
      pool,
      queued: found?.queued ?? 0,
      oldestAgeMs: found && ageMs(found.oldestAt, now),
      liveHosts: live.filter((host) => offerFor(pool, host, hosts) !== undefined).length,
    };
  });
}

export function hostMeasure(host: HostRecord, heldAttempts: number, now: Date): HostMeasure {
  const { id, state, alive, capacity, reserved } = host;
  return { id, state, alive, renewalAgeMs: ageMs(host.renewedAt, now), heldAttempts, capacity, reserved };
}

/** A clock that was set back gives no negative ages. */
export function ageMs(at: Date, now: Date): number {
  return Math.max(0, now.getTime() - at.getTime());
}
