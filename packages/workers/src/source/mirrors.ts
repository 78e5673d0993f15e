import { lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '@solstice/common/telemetry';
import { archiveOf } from './archive.js';
import { checkCommit, checkRef, parseCloneUrl } from './clone-address.js';
import { FileLock } from './file-lock.js';
import { Git, type GitCredential } from './git.js';
import { Mirror, USED_FILE } from './mirror.js';

export interface MirrorsSettings {
  /** `<data>/host/mirrors`; a directory a repository is made in it. */
  directory: string;
  logger: Logger;
  /** For requests that bring none: what this host knows for that address. */
  credentials?: (cloneUrl: string) => Promise<GitCredential | undefined>;
  /** For one fetch. Default: 10 minutes. */
  fetchDeadlineMs?: number;
  /** What git and ssh may need of the environment, such as proxies or SSH_AUTH_SOCK. Default: nothing. */
  environment?: Record<string, string>;
}

export interface SourceRequest {
  /** A path, an address of http(s), ssh, git or file, or `user@host:path`. */
  cloneUrl: string;
  /** A whole object name. */
  commit: string;
  /** `refs/…`; fetched when the server gives no commit by its own name. */
  ref: string;
  /** Used over http(s) only. */
  credential?: GitCredential;
}

/** This host's bare mirrors of the repositories that it has built. */
export interface Mirrors {
  /** When it resolves the commit is there and stays there. Fetches only if it was not. Rejects with `source-unavailable`. */
  ensure(request: SourceRequest): Promise<{ directory: string }>;
  /** The commit's tree as a tar stream; `directory` as `ensure` gave it. */
  archive(directory: string, commit: string): AsyncIterable<Uint8Array>;
  /** Where the mirror of that repository is, or would be. */
  directoryOf(cloneUrl: string): string;
  /** Removes the least recently used until all together are small enough; never one that is in use. */
  prune(limits: { maxBytes: number; inUse: Iterable<string> }): Promise<{ removed: string[]; bytes: number }>;
}

const FETCH_DEADLINE_MS = 10 * 60_000;
const LEFTOVER_AGE_MS = 60 * 60_000;

export function createMirrors(settings: MirrorsSettings): Mirrors {
  const directory = path.resolve(settings.directory);
  const fetchDeadlineMs = settings.fetchDeadlineMs ?? FETCH_DEADLINE_MS;
  const git = new Git(directory, settings.environment);
  const locks = new Map<string, FileLock>();
  const lockOf = (name: string): FileLock => {
    const lock = locks.get(name) ?? new FileLock(path.join(directory, `${name}.lock`));
    locks.set(name, lock);
    return lock;
  };
  const mirrorOf = (name: string): Mirror =>
    new Mirror(path.join(directory, name), git, fetchDeadlineMs, settings.logger);

  return {
    ensure: async ({ cloneUrl, commit, ref, credential }) => {
      const address = parseCloneUrl(cloneUrl);
      checkCommit(commit);
      checkRef(ref);
      const known = credential ?? (await settings.credentials?.(cloneUrl));
      const mirror = mirrorOf(address.directoryName);
      await mkdir(directory, { recursive: true });
      await lockOf(address.directoryName).run(fetchDeadlineMs, () =>
        mirror.ensure({ address, commit, ref, credential: known }),
      );
      return { directory: mirror.directory };
    },
    archive: (mirror, commit) => archiveOf(git, mirror, commit),
    directoryOf: (cloneUrl) => path.join(directory, parseCloneUrl(cloneUrl).directoryName),
    prune: async ({ maxBytes, inUse }) => {
      await removeLeftovers(directory);
      const used = new Set([...inUse].map((each) => path.resolve(each)));
      const mirrors = await measure(directory);
      let bytes = mirrors.reduce((sum, mirror) => sum + mirror.bytes, 0);
      const removed: string[] = [];
      for (const { name, bytes: freed } of mirrors) {
        const mirror = mirrorOf(name);
        if (bytes <= maxBytes || used.has(mirror.directory)) continue;
        const isGone = await lockOf(name).tryRun(() => mirror.remove().then(() => true));
        if (isGone !== true) continue;
        bytes -= freed;
        removed.push(mirror.directory);
        settings.logger.info({ mirror: mirror.directory, bytes: freed }, 'mirror removed, to make room');
      }
      return { removed, bytes };
    },
  };
}

/** Least recently used first. */
async function measure(directory: string): Promise<{ name: string; bytes: number; usedAtMs: number }[]> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith('.git'));
  const measured = await Promise.all(
    names.map(async (name) => {
      const used = await stat(path.join(directory, name, USED_FILE)).catch(() => undefined);
      return { name, bytes: await bytesOf(path.join(directory, name)), usedAtMs: used?.mtimeMs ?? 0 };
    }),
  );
  return measured.sort((one, other) => one.usedAtMs - other.usedAtMs);
}

async function bytesOf(file: string): Promise<number> {
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) return 0;
  // As many as the disk gives for it, which for small files is more than they hold.
  let bytes = found.blocks * 512;
  if (found.isDirectory()) {
    for (const name of await readdir(file).catch(() => [])) bytes += await bytesOf(path.join(file, name));
  }
  return bytes;
}

/** Of processes that were killed while they made or removed a mirror. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.endsWith('.tmp')) continue;
    const file = path.join(directory, name);
    const found = await lstat(file).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > LEFTOVER_AGE_MS) {
      await rm(file, { recursive: true, force: true });
    }
  }
}
