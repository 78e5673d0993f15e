import path from 'node:path';
import { SolsticeError } from '@solstice/common/errors';
import { SESSION_SOCKET, type WorkerSpec } from './backend.js';

/** What the runner finds in the file named by `--boot`. */
export interface BootFile {
  workerId: string;
  /** base64 */
  token: string;
  /** `unix:` and the socket's path as the worker sees it. */
  address: string;
  workDirectory: string;
  spoolDirectory: string;
  detachedMs?: number;
}

export interface WorkerPaths {
  sessionDirectory: string;
  workDirectory: string;
  spoolDirectory: string;
}

// The kernel's sun_path has 108 bytes, with the zero at its end.
const SOCKET_PATH_BYTES_MAX = 107;

/** Paths are as the worker sees them. Throws `worker-failed` when the socket's path is too long to be dialled. */
export function bootFile(spec: WorkerSpec, paths: WorkerPaths): BootFile {
  const socket = path.join(paths.sessionDirectory, SESSION_SOCKET);
  if (Buffer.byteLength(socket) > SOCKET_PATH_BYTES_MAX) {
    throw new SolsticeError(
      'worker-failed',
      `the session socket's path is longer than ${SOCKET_PATH_BYTES_MAX} bytes: ${socket}`,
      { hint: 'Set a data directory with a shorter path.', retryable: false },
    );
  }
  return {
    workerId: spec.workerId,
    token: Buffer.from(spec.token).toString('base64'),
    address: `unix:${socket}`,
    workDirectory: paths.workDirectory,
    spoolDirectory: paths.spoolDirectory,
    ...(spec.detachedMs === undefined ? {} : { detachedMs: spec.detachedMs }),
  };
}

const WORKER_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** A worker id becomes a directory, a container and a label: letters, digits, `-` and `_` only. */
export function isWorkerId(text: string): boolean {
  return WORKER_ID.test(text);
}

export function checkWorkerId(workerId: string): void {
  if (isWorkerId(workerId)) return;
  throw new SolsticeError('worker-failed', `not a worker id: ${JSON.stringify(workerId)}`, { retryable: false });
}
