import { SolsticeError } from '@solstice/common/errors';

export type ForgeProblem = 'unavailable' | 'refused' | 'commit-gone';

/** The only error that leaves a forge's adapter; the problem tells what to do about it (see Forge). */
export class ForgeError extends SolsticeError {
  readonly problem: ForgeProblem;
  /** When the forge said how long to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    problem: ForgeProblem,
    message: string,
    options: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(codes[problem], message, { cause: options.cause, retryable: problem === 'unavailable' });
    this.name = 'ForgeError';
    this.problem = problem;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const codes = {
  unavailable: 'forge-unavailable',
  refused: 'forge-refused',
  'commit-gone': 'source-unavailable',
} as const;

/** What an HTTP forge's answer, that is no success, means. */
export function forgeErrorOfResponse(response: {
  /** What was asked: `reading .solstice of team/tool`. */
  what: string;
  status: number;
  header(name: string): string | null | undefined;
  message: string;
  now: Date;
}): ForgeError {
  const { what, status } = response;
  const said = response.message.replace(/\s+/g, ' ').trim().slice(0, 300);
  const text = `${what}: HTTP ${status}${said === '' ? '' : ` (${said})`}`;
  const retryAfterMs = retryAfterOf(response);
  const limited = status === 429 || (status === 403 && (retryAfterMs !== undefined || /rate limit/i.test(said)));
  if (limited || status === 408 || status >= 500) return new ForgeError('unavailable', text, { retryAfterMs });
  return new ForgeError('refused', text);
}

/** What a request that got no answer means. */
export function forgeErrorOfFailure(what: string, cause: unknown): ForgeError {
  if (cause instanceof ForgeError) return cause;
  const error = cause instanceof Error ? cause : new Error(String(cause));
  if (error.name === 'TimeoutError') return new ForgeError('unavailable', `${what}: no answer in time`, { cause });
  if (error.name === 'AbortError')
    return new ForgeError('unavailable', `${what}: stopped before the answer`, { cause });
  return new ForgeError('unavailable', `${what}: ${rootMessage(error)}`, { cause });
}

/** `connect ECONNREFUSED …` and not `fetch failed`: clients wrap the reason, sometimes twice. */
function rootMessage(error: Error): string {
  let message = error.message;
  for (let inner = error.cause; inner instanceof Error; inner = inner.cause) {
    if (inner.message !== '') message = inner.message;
  }
  return message;
}

/** `Retry-After` in seconds or as a date; else GitHub's word for an emptied hourly budget. */
function retryAfterOf(response: { header(name: string): string | null | undefined; now: Date }): number | undefined {
  const retryAfter = response.header('retry-after');
  if (retryAfter) {
    if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000;
    const at = Date.parse(retryAfter);
    if (!Number.isNaN(at)) return Math.max(0, at - response.now.getTime());
  }
  const reset = response.header('x-ratelimit-reset');
  if (response.header('x-ratelimit-remaining') === '0' && reset && /^\d+$/.test(reset)) {
    return Math.max(0, Number(reset) * 1000 - response.now.getTime());
  }
  return undefined;
}
