import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SolsticeError, toError } from '@solstice/common/errors';

/** Linux allows 107 bytes for the path of a unix socket; this is what the file name takes of them. */
const SOCKET_PATH_LIMIT = 107;
const SOCKET_NAME_LENGTH = '/session.sock'.length;

export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the kernel's lock on `<directory>/lock`. It ends with this process, however that ends, so there are no
 * stale ones. Rejects with `data-directory-in-use`, naming the holder's pid where it is known.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, 'lock');
  const file = openSync(path, 'a+', 0o600);
  // Node has no flock(2). The lock belongs to the open file, which the command shares with us and leaves behind.
  const taken = spawnSync('flock', ['--nonblock', '--exclusive', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] });
  if (taken.error) {
    closeSync(file);
    throw new SolsticeError('data-directory-unusable', `cannot lock ${directory}: ${taken.error.message}`, {
      hint: 'The flock command (package util-linux) is needed.',
    });
  }
  if (taken.status !== 0) {
    const holder = readFileSync(path, 'utf8').trim();
    closeSync(file);
    throw new SolsticeError(
      'data-directory-in-use',
      `another process${holder === '' ? '' : ` (pid ${holder})`} uses ${directory}`,
    );
  }
  writeFileSync(path, `${process.pid}\n`);
  return { release: () => closeSync(file) };
}

export interface StateDirectory {
  path: string;
  /** Where backends keep their workers. */
  workers: string;
  mirrors: string;
  runner: string;
  /** Holds the session socket; short enough for one. */
  sessions: string;
  /** SHA-256 of the host key: proves to the store that this is the same host as before. */
  keyHash: Uint8Array;
  release(): void;
}

/**
 * Opens, or makes, a host's state directory: the lock, the random host key, and the folders of its parts. The key
 * and the lock together are the right to take over what an earlier process of this host left running.
 */
export function openStateDirectory(path: string): StateDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o711 });
  } catch (error) {
    throw new SolsticeError('data-directory-unusable', `cannot make ${path}: ${toError(error).message}`);
  }
  const lock = lockDirectory(path);
  try {
    const sub = (name: string, mode: number) => {
      const directory = join(path, name);
      mkdirSync(directory, { recursive: true, mode });
      chmodSync(directory, mode);
      return directory;
    };
    return {
      path,
      workers: sub('workers', 0o711),
      mirrors: sub('mirrors', 0o755),
      runner: sub('runner', 0o755),
      sessions: sessionDirectory(path),
      keyHash: createHash('sha256').update(hostKey(path)).digest(),
      release: () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function hostKey(path: string): Buffer {
  const file = join(path, 'key');
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = randomBytes(32);
  // Renamed into place, so that a crash leaves a whole key or none.
  writeFileSync(`${file}.new`, key, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return key;
}

/** Below the state directory where the socket's path fits; else a short folder whose name follows from the path, so that a restart finds it again. */
function sessionDirectory(path: string): string {
  const below = join(path, 'sessions');
  if (Buffer.byteLength(below) + SOCKET_NAME_LENGTH <= SOCKET_PATH_LIMIT) {
    mkdirSync(below, { recursive: true, mode: 0o755 });
    return below;
  }
  const name = createHash('sha256').update(path).digest('hex').slice(0, 16);
  const short = join(tmpdir(), `solstice-sessions-${name}`);
  mkdirSync(short, { recursive: true, mode: 0o755 });
  const owner = statSync(short).uid;
  if (owner !== process.getuid?.()) {
    throw new SolsticeError('data-directory-unusable', `${short} belongs to user ${owner}, not to this one`, {
      hint: `Remove it, or use a data directory with a path shorter than ${path}.`,
    });
  }
  return short;
}
