import { assertNever } from '@solstice/common/errors';
import type { CheckState } from '@solstice/common/store';
import { cut, oneLine } from './push.js';

/** The four words that GitHub's and Forgejo's commit statuses share. */
export type CommitStatusState = 'pending' | 'success' | 'failure' | 'error';

export interface CommitStatus {
  state: CommitStatusState;
  context: string;
  description: string;
  target_url?: string;
}

/** GitHub answers 422 for more; Forgejo's page shows no more. */
const MAX_DESCRIPTION_LENGTH = 140;
const MAX_CONTEXT_LENGTH = 255;

/** What both APIs take. `cancelled` and trouble of our own are `error`: neither says anything about the commit. */
export function commitStatusOf(context: string, check: CheckState, targetUrl: string | undefined): CommitStatus {
  return {
    state: stateOf(check.state),
    context: cut(oneLine(context, 10_000), MAX_CONTEXT_LENGTH),
    description: oneLine(check.title, MAX_DESCRIPTION_LENGTH),
    ...(targetUrl === undefined ? {} : { target_url: targetUrl }),
  };
}

function stateOf(state: CheckState['state']): CommitStatusState {
  switch (state) {
    case 'pending':
    case 'running':
      return 'pending';
    case 'succeeded':
      return 'success';
    case 'failed':
    case 'timed_out':
      return 'failure';
    case 'cancelled':
    case 'error':
      return 'error';
    default:
      return assertNever(state);
  }
}

/** `owner/name` in its two parts; undefined for anything else. */
export function ownerAndName(repository: string): { owner: string; repo: string } | undefined {
  const [owner, repo, ...rest] = repository.split('/');
  return owner && repo && rest.length === 0 ? { owner, repo } : undefined;
}
