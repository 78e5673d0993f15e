import { type Fleet, fitOf, type KeptHost, type Needs, takersOf, type Waiting } from './placement.js';
import { type HostView, offerFor, resourcesOf, shortfall } from './room.js';

/**
 * How long an attempt may have to wait for room before a host is kept free for it. Long enough that the ordinary
 * coming and going of jobs has had its chance to make room, because a host that is kept stands partly idle; short
 * beside what a large job takes itself.
 */
export const KEEP_AFTER_MS = 60_000;

/** What is stored of a host that is kept, with what has become of its attempt. */
export interface KeptRow extends KeptHost {
  /** False: it was claimed, or ended, or was cancelled. */
  queued: boolean;
}

/**
 * Those that still count. What is stored is not always taken away at once: an attempt that is not queued any more, or
 * may not go to that host now (it died, is drained, a host named before it came back), has none kept.
 */
export function keptOf(rows: readonly KeptRow[], hosts: readonly HostView[]): KeptHost[] {
  return rows.filter(
    ({ queued, hostId, attempt }) => queued && takersOf(attempt, hosts).some(({ id }) => id === hostId),
  );
}

/** Where all that waits takes the same of a host, whoever is oldest is first anyway, and no host has to be kept. */
export function isMixed(waiting: readonly Needs[]): boolean {
  return (
    new Set(waiting.map(({ pool, resources }) => JSON.stringify([pool, resources?.cpus, resources?.memoryBytes])))
      .size > 1
  );
}

/**
 * The next host to be kept free: for the oldest attempt that has waited for so long, has none yet, and fits nowhere now.
 * Of the hosts that may take it the one that is nearest to having the room. One host has one such attempt, and the
 * other way round.
 *
 * `overdue`: attempts that have waited for KEEP_AFTER_MS since they could first be claimed, oldest first.
 */
export function hostToKeep(
  overdue: readonly Waiting[],
  fleet: Fleet,
): { hostId: string; attempt: Waiting } | undefined {
  const attempts = new Set(fleet.kept.map(({ attempt }) => attempt.id));
  const hosts = new Set(fleet.kept.map(({ hostId }) => hostId));
  for (const attempt of overdue) {
    if (attempts.has(attempt.id)) {
      continue;
    }
    const takers = takersOf(attempt, fleet.hosts);
    const missing = takers
      .filter(({ id }) => !hosts.has(id))
      .map((host) => ({ hostId: host.id, share: missingShare(attempt, host, fleet.hosts) }))
      .sort((a, b) => a.share - b.share || (a.hostId < b.hostId ? -1 : 1));
    const nearest = missing[0];
    if (nearest !== undefined && !takers.some((host) => fitOf(attempt, host, fleet, takers).fits)) {
      return { hostId: nearest.hostId, attempt };
    }
  }
  return undefined;
}

function missingShare(needs: Needs, host: HostView, hosts: readonly HostView[]): number {
  const pool = offerFor(needs.pool, host, hosts);
  return pool === undefined ? 1 : shortfall(resourcesOf(needs, pool), host);
}
