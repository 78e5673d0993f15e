import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SolsticeError, toError } from '@solstice/common/errors';
import { type DirectoryLock, lockDirectory } from '@solstice/orchestrator';

/** What a process keeps on disk. One process at a time: the lock is the kernel's and ends with the process. */
export interface DataDirectory {
  path: string;
  postgres: string;
  host: string;
  secretKeyFile: string;
  operatorTokenFile: string;
  /** Tells ciadm, and whoever started this process, where it listens. */
  publishAddresses(addresses: Addresses): void;
  /** Takes the addresses away and gives the lock back. Idempotent. */
  release(): void;
}

/** Of what this process serves; ciadm needs the first two. */
export interface Addresses {
  public: string | undefined;
  operator: string | undefined;
  health: string | undefined;
}

/** Opens, or makes, the data directory. Throws `data-directory-in-use` or `data-directory-unusable`. */
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
    operatorTokenFile: join(path, 'operator.token'),
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
