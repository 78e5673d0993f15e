import { type ErrorCode, SolsticeError, toError } from '@solstice/common/errors';

// What a caller of `provision` may be given; anything else comes as `worker-failed`.
const PROMISED_CODES: readonly ErrorCode[] = ['image-unavailable', 'host-full', 'backend-unavailable', 'worker-failed'];

/** What the kernel says when there is no more of something: disk, quota, memory, open files, processes. */
const FULL_ERRNOS: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'ENOMEM', 'EMFILE', 'ENFILE', 'EAGAIN'];

/** Why a worker could not be made, as `provision` promises it. */
export function provisionFailure(workerId: string, thrown: unknown): SolsticeError {
  if (thrown instanceof SolsticeError && PROMISED_CODES.includes(thrown.code)) return thrown;
  const code = isFull(thrown) ? 'host-full' : 'worker-failed';
  return new SolsticeError(code, `worker ${workerId}: ${toError(thrown).message}`, { cause: thrown });
}

function isFull(thrown: unknown): boolean {
  return thrown instanceof Error && (('code' in thrown && FULL_ERRNOS.includes(thrown.code)) || isFull(thrown.cause));
}
