import { randomBytes } from 'node:crypto';
import { chmod, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { SolsticeError } from '@solstice/common/errors';
import { SESSION_SOCKET } from '../backends/backend.js';

/** Longest path that a unix socket can have. */
const longestPathBytes = 107;

export interface SessionSocket {
  /** Takes the socket's file away, unless it is another process's by now. */
  remove(): Promise<void>;
}

/**
 * Binds the server to `<directory>/session.sock`, which any user may connect to (workers have other users; the token
 * decides). It is bound under another name and moved into place: a stale socket is replaced at once, nobody finds it
 * before its mode is right, and closing the server can never remove the socket of a process that came after.
 */
export async function bindSessionSocket(server: Server, directory: string): Promise<SessionSocket> {
  const path = join(directory, SESSION_SOCKET);
  const fresh = join(directory, `.${randomBytes(4).toString('hex')}`);
  if (Buffer.byteLength(path) > longestPathBytes) {
    throw new SolsticeError('settings-invalid', `the path of the session socket is too long for a socket: ${path}`, {
      hint: `Choose a data directory whose path is at least ${Buffer.byteLength(path) - longestPathBytes} bytes shorter.`,
    });
  }
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${fresh}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  await chmod(fresh, 0o666);
  await rename(fresh, path);
  const { ino, dev } = await stat(path);
  return {
    remove: async () => {
      const now = await stat(path).catch(() => undefined);
      if (now?.ino === ino && now.dev === dev) await unlink(path);
    },
  };
}
