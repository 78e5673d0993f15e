import {
  type CommentEvent,
  isCommitId,
  isZeroCommit,
  type PullRequestEvent,
  pullRequestActions,
  type RepositoryRef,
} from '@solstice/common/forge';
import type { NormalisedDelivery } from './forge.js';
import { isRefName, oneLine } from './push.js';

/** What the forges say of a pull request, before it is checked. */
export interface RawPullRequest {
  repository: RepositoryRef;
  number: number;
  /** In our words where it is one of those that start something; else the forge's own. */
  action: string;
  head: PullRequestEvent['head'];
  base: PullRequestEvent['base'] & { forgeRepositoryId: string | undefined };
  author: PullRequestEvent['author'];
  sender: PullRequestEvent['sender'];
  title: string | undefined;
}

/** Our event, or why there is none. */
export function normalisePullRequest(raw: RawPullRequest): NormalisedDelivery {
  const { repository, number, head, base } = raw;
  const action = pullRequestActions.find((one) => one === raw.action);
  if (action === undefined) {
    const what = oneLine(raw.action, 50) || 'changed';
    return { kind: 'ignored', reason: `pull request ${number} ${what}: its code is the same`, repository };
  }
  if (base.forgeRepositoryId !== repository.forgeRepositoryId) {
    return { kind: 'malformed', reason: 'the pull request is not one of the repository that the event names' };
  }
  for (const { branch, commit } of [head, base]) {
    if (!isRefName(`refs/heads/${branch}`)) return { kind: 'malformed', reason: 'a branch has no name that git knows' };
    if (!isCommitId(commit) || isZeroCommit(commit)) {
      return { kind: 'malformed', reason: 'head and base are not commit ids' };
    }
  }
  const title = oneLine(raw.title ?? '', 200);
  return {
    kind: 'event',
    event: {
      kind: 'forge.pull_request.v1',
      repository,
      number,
      action,
      head: {
        ...(head.forgeRepositoryId !== undefined && { forgeRepositoryId: head.forgeRepositoryId }),
        branch: head.branch,
        commit: head.commit,
      },
      base: { branch: base.branch, commit: base.commit },
      author: raw.author,
      sender: raw.sender,
      ...(title === '' ? {} : { title }),
    },
  };
}

export interface RawComment {
  repository: RepositoryRef;
  number: number;
  action: string;
  onPullRequest: boolean;
  commentId: string;
  author: CommentEvent['author'];
  body: string;
}

/** Our event, or why there is none. Only what is new counts: an edited comment would let somebody say it again. */
export function normaliseComment(raw: RawComment): NormalisedDelivery {
  const { repository, number } = raw;
  const ignored = (reason: string): NormalisedDelivery => ({ kind: 'ignored', reason, repository });
  if (raw.action !== 'created') {
    return ignored(`a comment was ${oneLine(raw.action, 50) || 'changed'}: only new ones start something`);
  }
  if (!raw.onPullRequest) return ignored(`a comment on issue ${number}: only those on pull requests start something`);
  const line = oneLine(raw.body.split('\n').find((one) => one.trim() !== '') ?? '', 500);
  if (line === '') return ignored('a comment without words');
  return {
    kind: 'event',
    event: { kind: 'forge.comment.v1', repository, number, commentId: raw.commentId, author: raw.author, line },
  };
}
