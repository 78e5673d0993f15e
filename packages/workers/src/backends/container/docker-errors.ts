import { type ErrorCode, SolsticeError, toError } from '@solstice/common/errors';

/** The HTTP status with which the engine refused; undefined: it did not answer at all. */
export function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return undefined;
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
}

/** What the engine itself said, without what its client library puts round it. */
export function engineWords(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'json' in thrown) {
    const { json } = thrown;
    if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message).trim();
  }
  return toError(thrown).message.trim();
}

/** Undefined in place of a 404: what is not there needs no removing and has no state. */
export async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (statusOf(thrown) === 404) return undefined;
    throw thrown;
  }
}

const BROKEN_CONNECTION: readonly unknown[] = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT'];

/** The engine did not answer at all. */
function isUnreachable(thrown: unknown): boolean {
  if (statusOf(thrown) !== undefined || !(thrown instanceof Error)) return false;
  return (
    ('code' in thrown && BROKEN_CONNECTION.includes(thrown.code)) ||
    ('syscall' in thrown && thrown.syscall === 'connect')
  );
}

// The engine has no codes for these: its own words, its storage drivers', the kernel's.
const FULL =
  /no space left on device|disk quota exceeded|cannot allocate memory|not enough memory|out of memory|too many open files|resource temporarily unavailable|address pool|range of cpus is from|no available ipv4 addresses/i;

/** The machine has not what was asked for: disk, memory, cpus, addresses, processes. */
function isFull(thrown: unknown): boolean {
  return FULL.test(engineWords(thrown));
}

/** Told apart for those who retry: an engine that does not answer, a machine that is full, and what else it may be. */
export function engineFailure(
  what: string,
  thrown: unknown,
  otherwise: Extract<ErrorCode, 'worker-failed' | 'image-unavailable'>,
  hint?: string,
): SolsticeError {
  if (thrown instanceof SolsticeError) return thrown;
  const message = `${what}: ${engineWords(thrown)}`;
  const code = isUnreachable(thrown) ? 'backend-unavailable' : isFull(thrown) ? 'host-full' : otherwise;
  return new SolsticeError(code, message, { cause: thrown, ...(hint === undefined ? {} : { hint }) });
}
