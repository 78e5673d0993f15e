import type { Comparison } from '../forge.js';
import type { GitDirectory } from './git-directory.js';
import { failed, hasCommit } from './git-objects.js';

/** More paths than any pattern is worth being compared with. */
const MOST_FILES = 10_000;
const MOST_BYTES = 16 * 1024 * 1024;

/** See Forge.compare. */
export async function compareCommits(
  directory: GitDirectory,
  base: string,
  head: string,
  signal: AbortSignal,
): Promise<Comparison | undefined> {
  if (!(await hasCommit(directory, base, signal)) || !(await hasCommit(directory, head, signal))) return undefined;
  const found = await directory.run({ args: ['merge-base', base, head], signal });
  // 1: nothing in common.
  if (found.exitCode === 1) return undefined;
  if (found.exitCode !== 0) throw failed(directory, found);
  const mergeBase = found.stdout.toString('utf8').trim();
  const counted = await directory.run({ args: ['rev-list', '--left-right', '--count', `${base}...${head}`], signal });
  if (counted.exitCode !== 0) throw failed(directory, counted);
  const [behind, ahead] = counted.stdout.toString('utf8').trim().split(/\s+/).map(Number);
  if (behind === undefined || ahead === undefined) throw failed(directory, counted);
  const diff = await directory.run({
    args: ['diff-tree', '-r', '-z', '--name-only', '--no-renames', '--no-ext-diff', mergeBase, head],
    maxOutputBytes: 4 * MOST_BYTES,
    signal,
  });
  if (diff.exitCode !== 0) throw failed(directory, diff);
  const paths = diff.stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
  if (paths.length > MOST_FILES || diff.stdout.length > MOST_BYTES) {
    return { ahead, behind, files: { kind: 'incomplete', reason: `more than ${MOST_FILES} files changed` } };
  }
  return { ahead, behind, files: { kind: 'all', paths } };
}
