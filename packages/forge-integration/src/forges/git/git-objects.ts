import { workflowLimits } from '@solstice/common/workflow';
import type { WorkflowFile } from '../forge.js';
import { ForgeError } from '../forge-error.js';
import { readSelected, WORKFLOW_DIRECTORY } from '../workflow-files.js';
import type { GitDirectory } from './git-directory.js';
import { complaint, type GitResult } from './git-process.js';

/** Is the object there, and a commit? Also one that no ref leads to any more. */
export async function hasCommit(directory: GitDirectory, commit: string, signal: AbortSignal): Promise<boolean> {
  const answer = await directory.run({ args: ['cat-file', '--batch-check'], input: `${commit}\n`, signal });
  if (answer.exitCode !== 0) throw failed(directory, answer);
  return answer.stdout.toString('utf8').startsWith(`${commit} commit `);
}

/** The commit must be there. */
export async function readWorkflowTree(
  directory: GitDirectory,
  commit: string,
  signal: AbortSignal,
): Promise<WorkflowFile[]> {
  const args = ['ls-tree', '-z', '--long', '--full-tree', commit, `${WORKFLOW_DIRECTORY}/`];
  const listing = await directory.run({ args, signal });
  if (listing.exitCode !== 0) throw failed(directory, listing);
  const entries = listing.stdout
    .toString('utf8')
    .split('\0')
    .flatMap((line) => {
      const [, mode, object, size, path] = /^(\d+) blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(line) ?? [];
      // A symbolic link (120000) is not followed: it could lead anywhere.
      if (!mode?.startsWith('100') || !object || !size || !path) return [];
      return [{ path, object, sizeBytes: Number(size) }];
    });
  return readSelected(entries, async ({ object }) => {
    const blob = await directory.run({
      args: ['cat-file', 'blob', object],
      maxOutputBytes: workflowLimits.fileBytes,
      signal,
    });
    if (blob.exitCode !== 0) throw failed(directory, blob);
    return blob.stdout;
  });
}

/** The commit that the ref leads to, through an annotated tag as well. */
export async function commitOfRef(
  directory: GitDirectory,
  ref: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = await directory.run({ args: ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], signal });
  return answer.exitCode === 0 ? answer.stdout.toString('utf8').trim() : undefined;
}

/** The branch that HEAD names, whether or not it has a commit yet. */
export async function headOf(directory: GitDirectory, signal: AbortSignal): Promise<string | undefined> {
  const answer = await directory.run({ args: ['symbolic-ref', '--quiet', 'HEAD'], signal });
  return answer.exitCode === 0 ? answer.stdout.toString('utf8').trim() : undefined;
}

export function failed(directory: GitDirectory, result: GitResult): ForgeError {
  return new ForgeError('unavailable', `git in ${directory.path}: ${complaint(result)}`);
}
