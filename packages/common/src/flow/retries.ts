import type { AttemptView } from './messages.js';
import type { JobSpec, NodeSpec } from './spec.js';

/** Attempts in all of a node whose worker was lost or could not be made. */
export const MAX_ATTEMPTS = 3;
/** How long the second and the third attempt wait; every later one as long as the third. */
export const RETRY_DELAYS_MS = [1_000, 5_000] as const;

/** Each host that is named is worth a try, and so is going elsewhere where that is allowed. */
export function maxAttemptsOf(node: NodeSpec | undefined): number {
  const place = node?.kind === 'job' ? node.place : undefined;
  return place === undefined
    ? MAX_ATTEMPTS
    : Math.max(MAX_ATTEMPTS, place.hosts.length + (place.otherwise === undefined ? 0 : 1));
}

export type Retry = { retry: true; delayMs: number } | { retry: false; because?: string };

/** Does another attempt follow one whose worker was lost or could not be made? */
export function afterInfrastructure(job: JobSpec | undefined, attempt: AttemptView, retryable: boolean): Retry {
  // Claimed only, it was never told to start: nothing of it has run, and nothing of it can.
  if (job?.exclusive === true && attempt.state === 'running') {
    return { retry: false, because: 'it is exclusive, and its steps may have run, so it is not tried again' };
  }
  if (!retryable || attempt.number >= maxAttemptsOf(job)) {
    return { retry: false };
  }
  const delayMs = RETRY_DELAYS_MS[attempt.number - 1] ?? RETRY_DELAYS_MS[RETRY_DELAYS_MS.length - 1] ?? 0;
  return { retry: true, delayMs };
}

/**
 * Does another attempt follow one whose steps failed or took too long? Only with `place … on="any"`, and only while
 * there is a host left that the job has not been to: the same host would say the same again.
 */
export function afterFailure(job: JobSpec | undefined, attempt: AttemptView): boolean {
  const place = job?.place;
  if (place?.on !== 'any' || attempt.number >= maxAttemptsOf(job)) {
    return false;
  }
  const been = new Set(attempt.avoidHosts);
  if (attempt.hostId !== undefined) {
    been.add(attempt.hostId);
  }
  const named = new Set(place.hosts);
  return (
    place.hosts.some((host) => !been.has(host)) ||
    (place.otherwise === 'any' && [...been].every((host) => named.has(host)))
  );
}
