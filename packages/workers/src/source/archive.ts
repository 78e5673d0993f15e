import { SolsticeError } from '@solstice/common/errors';
import { checkCommit } from './clone-address.js';
import { collect, ended, type Git, killGroup, wordsOf } from './git.js';

/**
 * The commit's tree as a tar stream, as git makes it: nothing is read ahead of the consumer but a pipe's worth.
 * Rejects with `source-unavailable` when git fails, also in the middle; a consumer that stops early stops git.
 */
export async function* archiveOf(git: Git, directory: string, commit: string): AsyncGenerator<Uint8Array> {
  checkCommit(commit);
  const child = await git.start(['--git-dir', directory, 'archive', '--format=tar', `${commit}^{tree}`]);
  const end = ended(child);
  end.catch(() => undefined);
  const stderr = collect(child.stderr);
  try {
    for await (const chunk of child.stdout) yield chunk;
    const { ok, description } = await end;
    if (ok) return;
    throw new SolsticeError('source-unavailable', `no archive of ${commit}: ${wordsOf(stderr()) || description}`);
  } finally {
    killGroup(child, 'SIGKILL');
  }
}
