import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageError } from './io.js';

/**
 * Puts other content into a file, all of it or none, whatever happens meanwhile. Its mode stays; its owner where root
 * replaces it, and its group also where one of its members does (nobody else may give files away); a link goes on to show
 * where it did.
 */
export function replaceFile(path: string, content: Buffer): void {
  const target = realpathSync(path);
  const beside = join(dirname(target), `.${basename(target)}.${randomUUID()}`);
  try {
    const descriptor = openSync(beside, 'wx', 0o600);
    try {
      for (let written = 0; written < content.length; ) written += writeSync(descriptor, content, written);
      const { uid, gid, mode } = statSync(target);
      // First the owner: a change of it may take bits of the mode away.
      if (process.getuid?.() === 0) fchownSync(descriptor, uid, gid);
      else keepGroup(descriptor, gid);
      fchmodSync(descriptor, mode & 0o7777);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, target);
  } catch (thrown) {
    rmSync(beside, { force: true });
    const reason = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown);
    throw new UsageError(
      `"${path}" cannot be written (${reason})`,
      'Check its directory: the file is written beside it.',
    );
  }
}

/** The mode stays also where the group cannot, as with editors: the file was its writer's to share. */
function keepGroup(descriptor: number, gid: number): void {
  try {
    fchownSync(descriptor, -1, gid);
  } catch (thrown) {
    // EPERM: the user is not in the group. EINVAL: it is none of the groups that this container knows.
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (code !== 'EPERM' && code !== 'EINVAL') throw thrown;
  }
}
