import { chown, lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgresError, errnoOf } from './errors.js';
import { canReach, type ServerUser } from './server-user.js';

/** Without TCP nobody else has it, as the folder is the server's own. */
export const defaultPort = 5432;
/** The longest that a socket's name can become: every port has five digits at most. */
const longestPort = 65535;
/** sun_path of a unix socket address, less its closing zero byte. */
const socketPathLimit = 107;

export function socketPath(directory: string, port: number): string {
  return join(directory, `.s.PGSQL.${port}`);
}

/**
 * The folder for the server's socket: short, because a socket's path has a limit that data directories exceed, and
 * always the same for one data directory, so that a killed process leaves one folder at most. Only the server's user
 * may enter it (and root): that is what stands in for a password.
 */
export async function makeSocketDirectory(name: string, user: ServerUser): Promise<string> {
  const preferred = join(tmpdir(), name);
  const fits = Buffer.byteLength(socketPath(preferred, longestPort)) <= socketPathLimit;
  if (fits) {
    const directory = await claimDirectory(preferred, user);
    // A temporary folder of root's own (TMPDIR=/root/tmp) is no place for a server that runs as somebody else.
    if (await canReach(directory, user)) return directory;
    await rmdir(directory);
  }
  return await claimDirectory(join('/tmp', name), user);
}

async function claimDirectory(directory: string, user: ServerUser): Promise<string> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  // Of others' folders nothing is touched: in a sticky /tmp nobody but its owner can exchange a folder of ours.
  const found = await lstat(directory);
  const ours = found.uid === user.uid || found.uid === process.getuid?.();
  if (!found.isDirectory() || !ours || (found.mode & 0o077) !== 0) {
    throw new EmbeddedPostgresError(
      'socket-directory-unusable',
      `${directory}, the folder for the database's socket, is there already and belongs to somebody else or is open to others`,
      'Remove it, or set TMPDIR to a folder of your own.',
    );
  }
  if (found.uid !== user.uid) await chown(directory, user.uid, user.gid);
  // What a killed server left: its lock file would stop the next one for as long as its number names a process, also
  // one that is dead and not yet waited for.
  for (const name of await readdir(directory)) {
    if (name.startsWith('.s.PGSQL.')) await rm(join(directory, name), { force: true });
  }
  return directory;
}

export async function removeSocketDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}
