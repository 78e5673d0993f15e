import type { Clock } from '@solstice/common/clock';
import type { ForgeSettings } from '@solstice/common/config';
import { Serial } from '../../serial.js';
import { type Forge, type ForgeRepository, singleHeader } from '../forge.js';
import { ForgeError } from '../forge-error.js';
import { matchSignature, withoutPrefix } from '../signature.js';
import { compareCommits } from './git-compare.js';
import { localPathOf, openGitDirectory } from './git-directory.js';
import { noteLine, writeNote } from './git-note.js';
import { commitOfRef, hasCommit, headOf, readWorkflowTree } from './git-objects.js';
import type { Git } from './git-process.js';
import { normaliseGit } from './git-webhook.js';
import { changeRemoteNotes, fetchCommit, fetchHistory, RemoteCache, remoteHead, remoteRef } from './remote-cache.js';

export interface GitForgeDependencies {
  git: Git;
  clock: Clock;
  /** For repositories that are not on this machine. */
  cacheDirectory: string;
}

/** A plain repository with a `post-receive` hook: read with git itself, and reported to with git notes. */
export function createGitForge(settings: ForgeSettings, dependencies: GitForgeDependencies): Forge {
  const { git, clock } = dependencies;
  const cache = new RemoteCache(git, dependencies.cacheDirectory);
  // Racers would all succeed in the end, but one after the other is cheaper.
  const noteTurns = new Serial();
  const open = (path: string) => openGitDirectory(git, path);

  return {
    id: settings.id,
    kind: 'git',
    webhookSecret: settings.webhookSecret,
    deliveryId: (headers) => singleHeader(headers, 'x-solstice-delivery'),
    eventName: (headers) => singleHeader(headers, 'x-solstice-event'),
    verify: (headers, rawBody, secrets) =>
      matchSignature(withoutPrefix(singleHeader(headers, 'x-solstice-signature-256')), rawBody, secrets),
    normalise: (headers, body) => normaliseGit(singleHeader(headers, 'x-solstice-event'), body),

    async readWorkflowFiles(repository, commit, signal) {
      const path = localPathOf(repository.cloneUrl);
      if (path !== undefined) {
        const directory = await open(path);
        if (!(await hasCommit(directory, commit, signal))) throw gone(repository, commit);
        return readWorkflowTree(directory, commit, signal);
      }
      return cache.with(repository.cloneUrl, async (directory) => {
        await fetchCommit(directory, repository.cloneUrl, commit, signal);
        return readWorkflowTree(directory, commit, signal);
      });
    },

    async defaultRef(repository, signal) {
      const path = localPathOf(repository.cloneUrl);
      if (path !== undefined) return headOf(await open(path), signal);
      return cache.with(repository.cloneUrl, (directory) => remoteHead(directory, signal));
    },

    async resolveRef(repository, ref, signal) {
      const path = localPathOf(repository.cloneUrl);
      if (path !== undefined) return commitOfRef(await open(path), ref, signal);
      return cache.with(repository.cloneUrl, (directory) => remoteRef(directory, ref, signal));
    },

    async compare(repository, base, head, signal) {
      const path = localPathOf(repository.cloneUrl);
      if (path !== undefined) return compareCommits(await open(path), base, head, signal);
      return cache.with(repository.cloneUrl, async (directory) => {
        await fetchHistory(directory, repository.cloneUrl, [base, head], signal);
        return compareCommits(directory, base, head, signal);
      });
    },

    pullRequests: undefined,

    async reportCheck(repository, commit, context, state, targetUrl, signal) {
      const line = noteLine(context, state, targetUrl);
      const path = localPathOf(repository.cloneUrl);
      if (path !== undefined) {
        const directory = await open(path);
        if (!(await hasCommit(directory, commit, signal))) throw gone(repository, commit);
        await noteTurns.run(directory.path, () => writeNote(directory, commit, line, clock, signal));
        return;
      }
      await cache.with(repository.cloneUrl, async (directory) => {
        await fetchCommit(directory, repository.cloneUrl, commit, signal);
        const change = () => writeNote(directory, commit, line, clock, signal);
        await changeRemoteNotes(directory, repository.cloneUrl, change, signal);
      });
    },
  };
}

function gone(repository: ForgeRepository, commit: string): ForgeError {
  return new ForgeError('commit-gone', `commit ${commit} is not (any more) in ${repository.name}`);
}
