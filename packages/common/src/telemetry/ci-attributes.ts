import type { Attributes } from './tracing.js';

export interface CommitNames {
  /** The forge's id in the settings. */
  forge: string;
  repositoryName: string;
  commit: string;
}

/** What spans say of a commit, in the words of OpenTelemetry's conventions. No address: it may hold a password. */
export function commitAttributes({ forge, repositoryName, commit }: CommitNames): Attributes {
  const slash = repositoryName.lastIndexOf('/');
  return {
    'solstice.forge': forge,
    'vcs.repository.name': repositoryName.slice(slash + 1),
    'vcs.owner.name': slash < 0 ? undefined : repositoryName.slice(0, slash),
    'vcs.ref.head.revision': commit,
  };
}

/** The same, with the branch or tag that it was pushed to. */
export function sourceAttributes(source: CommitNames & { ref: string }): Attributes {
  const { ref } = source;
  return {
    ...commitAttributes(source),
    'vcs.ref.head.name': ref.replace(/^refs\/(heads|tags)\//, ''),
    'vcs.ref.head.type': ref.startsWith('refs/tags/') ? 'tag' : 'branch',
  };
}

type TaskResult = 'success' | 'failure' | 'error' | 'timeout' | 'cancellation' | 'skip';

/** A state of ours in the words of the conventions: `error` is the fault of the CI, `failure` the user's. */
export function taskResultOf(state: string): TaskResult {
  switch (state) {
    case 'succeeded':
      return 'success';
    case 'failed':
      return 'failure';
    case 'timed_out':
      return 'timeout';
    case 'cancelled':
      return 'cancellation';
    case 'skipped':
      return 'skip';
    default:
      return 'error';
  }
}
