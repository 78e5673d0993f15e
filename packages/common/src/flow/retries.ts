import { attemptIdOf, parseAttemptId } from './attempt-id.js';
import type { AttemptResult, Cause } from './cause.js';
import { jitterOf } from './jitter.js';
import type { AttemptView } from './messages.js';
import type { JobSpec, NodeSpec, RetrySpec } from './spec.js';

/** Attempts in all of a node whose worker was lost or could not be made, unless the workflow says `retry N on="infra"`. */
export const MAX_ATTEMPTS = 3;
/** How long the second and the third attempt wait; every later one as long as the third. */
export const RETRY_DELAYS_MS = [1_000, 5_000] as const;
/** Of a `retry` that says nothing of its backoff. */
export const DEFAULT_BACKOFF = { minMs: 1_000, maxMs: 60_000 } as const;

/** Each host that is named is worth a try, and so is going elsewhere where that is allowed. */
export function maxAttemptsOf(node: NodeSpec | undefined): number {
  const job = node?.kind === 'job' ? node : undefined;
  const most = job?.retry?.on.includes('infra') === true ? job.retry.times + 1 : MAX_ATTEMPTS;
  const place = job?.place;
  return place === undefined ? most : Math.max(most, place.hosts.length + (place.otherwise === undefined ? 0 : 1));
}

const deadlines: ReadonlySet<string> = new Set(['deadline', 'step-deadline', 'workflow', 'branch']);

export type Retry = { retry: true; delayMs: number } | { retry: false; because?: string };

/**
 * Does another attempt follow one whose worker was lost or could not be made? `earlier`: the attempts before it, of
 * which only those that ended in the same way count.
 */
export function afterInfrastructure(
  job: JobSpec | undefined,
  earlier: readonly AttemptView[],
  attempt: AttemptView,
  retryable: boolean,
): Retry {
  const asked = job?.retry?.on.includes('infra') === true ? job.retry : undefined;
  // Claimed only, it was never told to start: nothing of it has run, and nothing of it can.
  if (job?.exclusive === true && attempt.state === 'running' && asked === undefined) {
    return { retry: false, because: 'it is exclusive, and its steps may have run, so it is not tried again' };
  }
  const count = 1 + earlier.filter(({ state }) => state === 'lost' || state === 'refused').length;
  if (!retryable || count >= maxAttemptsOf(job)) {
    return { retry: false };
  }
  if (asked?.backoff !== undefined) {
    return { retry: true, delayMs: backoffMs(asked, attempt, count) };
  }
  const delayMs = RETRY_DELAYS_MS[count - 1] ?? RETRY_DELAYS_MS[RETRY_DELAYS_MS.length - 1] ?? 0;
  return { retry: true, delayMs };
}

/**
 * Does another attempt follow one whose steps failed or took too long? As `retry` says, which counts such endings only;
 * else with `place … on="any"`, at once.
 */
export function afterFailure(
  job: JobSpec | undefined,
  earlier: readonly AttemptView[],
  attempt: AttemptView,
  result: AttemptResult,
): Retry {
  const clock = result.cause?.kind === 'clock' ? result.cause.clock : undefined;
  // Another attempt would have no more time than this one had.
  const isOver = clock !== undefined && deadlines.has(clock);
  if (result.final === true || isOver) {
    return { retry: false };
  }
  if (hasHostLeft(job, attempt)) {
    return { retry: true, delayMs: 0 };
  }
  const retry = job?.retry;
  const count = 1 + earlier.filter(({ state }) => state === 'failed' || state === 'timed_out').length;
  return retry === undefined || count > retry.times || !matches(retry, result)
    ? { retry: false }
    : { retry: true, delayMs: backoffMs(retry, attempt, count) };
}

/** What the steps ended by, with why no other attempt follows where `retry` would have one more. */
export function withWhyNotAgain(cause: Cause | undefined, because: string | undefined): Cause | undefined {
  switch (cause?.kind) {
    case 'exit':
    case 'signal':
    case 'clock':
    case 'user':
    case 'output':
    case 'out-of-memory':
    case 'source':
    case 'cannot-start':
    case 'service':
      return because === undefined ? cause : { ...cause, notAgain: because };
    default:
      return cause;
  }
}

function matches(retry: RetrySpec, { state, cause }: AttemptResult): boolean {
  return retry.on.some((reason) => {
    if (reason === 'timeout') {
      return state === 'timed_out';
    }
    if (reason === 'failed') {
      return state === 'failed';
    }
    return cause?.kind === 'exit' && reason === `exit:${cause.exitCode}`;
  });
}

/** Full jitter: anything between the least and a bound that doubles with each attempt, up to the most. */
function backoffMs(retry: RetrySpec, attempt: AttemptView, count: number): number {
  const { minMs, maxMs } = retry.backoff ?? DEFAULT_BACKOFF;
  const bound = Math.max(minMs, Math.min(maxMs, Math.max(minMs, 1_000) * 2 ** Math.min(count, 40)));
  const runId = parseAttemptId(attempt.id)?.runId ?? '';
  const next = attemptIdOf(runId, attempt.nodeId, attempt.number + 1);
  return Math.round(minMs + jitterOf(next) * (bound - minMs));
}

/** With `place … on="any"`, while there is a host that the job has not been to: the same would say the same again. */
function hasHostLeft(job: JobSpec | undefined, attempt: AttemptView): boolean {
  const place = job?.place;
  if (place?.on !== 'any') {
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
