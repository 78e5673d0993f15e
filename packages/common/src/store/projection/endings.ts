import type { AttemptResult, AttemptView } from '../../flow/index.js';

/**
 * Is a `finish` the repetition of the one that ended this attempt (its answer was lost on the way)? The caller has
 * compared the fence with the one that the worker had last.
 */
export function isRepeatedFinish(attempt: AttemptView, result: AttemptResult): boolean {
  if (attempt.state === 'cancelled') {
    return attempt.cancelRequested !== undefined || result.state === 'cancelled';
  }
  return attempt.state === result.state;
}

/** What the log and the checks say of an attempt whose host was reaped. */
export function reapedDetail(hostId: string): string {
  return `host ${hostId} did not renew its lease`;
}

/** What they say of one whose host name was taken over by another machine. */
export function replacedDetail(hostId: string): string {
  return `another machine took the name ${hostId} over`;
}

/** What they say of one whose worker was given back before it had ended. */
export const RELEASED_DETAIL = 'its worker was taken away before it had ended';
