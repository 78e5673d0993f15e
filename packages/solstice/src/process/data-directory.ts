import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SolsticeError, toError } from '@solstice/common/errors';
import { type DirectoryLock, lockDirectory } from '@solstice/orchestrator';

/** What `solstice up` keeps on disk. One process at a time: the lock is the kernel's and ends with the process. */
export interface DataDirectory {
  path: string;
  postgres: string;
  host: string;
  secretKeyFile: string;
  /** The operator API's bearer token; made once, readable by this user only. */
  operatorToken: string;
  /** Tells ciadm where this process listens. */
  publishAddresses(addresses: { public: string; operator: string }): void;
  /** Takes the addresses away and gives the lock back. Idempotent. */
  release(): void;
}

/** Opens, or makes, the data directory. Rejects with `data-directory-in-use` or `data-directory-unusable`. */
export function openDataDirectory(path: string): DataDirectory {
  let lock: DirectoryLock;
  try {
    // Others may pass through (the database runs as another user when this one is root), but not look around.
    mkdirSync(path, { recursive: true, mode: 0o711 });
    chmodSync(path, 0o711);
    lock = lockDirectory(path);
  } catch (error) {
    if (error instanceof SolsticeError) throw error;
    throw new SolsticeError('data-directory-unusable', `cannot use ${path}: ${toError(error).message}`);
  }
  const addressesFile = join(path, 'addresses.json');
  // Left by a process that was killed: wrong until this one listens.
  rmSync(addressesFile, { force: true });
  let released = false;
  return {
    path,
    postgres: join(path, 'postgres'),
    host: join(path, 'host'),
    secretKeyFile: join(path, 'secret.key'),
    operatorToken: operatorToken(join(path, 'operator.token')),
    publishAddresses(addresses) {
      writeFileSync(`${addressesFile}.new`, `${JSON.stringify({ ...addresses, pid: process.pid })}\n`);
      renameSync(`${addressesFile}.new`, addressesFile);
    },
    release() {
      if (released) return;
      released = true;
      rmSync(addressesFile, { force: true });
      lock.release();
    },
  };
}

function operatorToken(file: string): string {
  try {
    const token = readFileSync(file, 'utf8').trim();
    if (token !== '') return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const token = randomBytes(32).toString('hex');
  writeFileSync(`${file}.new`, `${token}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return token;
}
