import type { Forge, ForgeRepository, PullRequest } from '../forges/forge.js';

const NOT_YET = 'untrusted runs are not available yet';

/**
 * Why the code of a pull request is not trusted; undefined: it is. Trusted is only what somebody who may push here has
 * pushed here: the forge itself says that the pull request comes from this repository, and the commit is part of that
 * branch of it. What a payload says is believed only where it says less. A pull request without a branch (AGit) names this
 * repository as its source, whoever sent it, and is caught by the second.
 */
export async function whyUntrusted(request: {
  /** As the event tells it, or, for a comment, the forge. */
  pull: Pick<PullRequest, 'number' | 'head'>;
  /** What the forge calls the repository that the event is of, by the event and by our row; all have to be the same. */
  repositoryIds: readonly (string | undefined)[];
  repository: ForgeRepository;
  forge: Forge;
  signal: AbortSignal;
}): Promise<string | undefined> {
  const { pull, repository, forge, signal } = request;
  const { pullRequests } = forge;
  const what = `pull request ${pull.number}`;
  if (!pullRequests) return `${what}: this forge has no pull requests; ${NOT_YET}`;
  const fork = forkReason(pull, request.repositoryIds);
  if (fork !== undefined) return fork;
  const told = await pullRequests.find(repository, pull.number, signal);
  if (told === undefined) return `${what} is not there any more; ${NOT_YET}`;
  const toldFork = forkReason(told, request.repositoryIds);
  if (toldFork !== undefined) return toldFork;
  const { branch, commit } = pull.head;
  const tip = await forge.resolveRef(repository, `refs/heads/${branch}`, signal);
  if (tip === undefined) return `${what}: ${repository.name} has no branch ${branch} (any more); ${NOT_YET}`;
  if (tip === commit) return undefined;
  const compared = await forge.compare(repository, tip, commit, signal);
  if (compared?.ahead === 0) return undefined;
  return `${what}: commit ${commit} is not (any more) in branch ${branch} of ${repository.name}; ${NOT_YET}`;
}

function forkReason(
  pull: Pick<PullRequest, 'number' | 'head'>,
  repositoryIds: readonly (string | undefined)[],
): string | undefined {
  const known = repositoryIds.filter((id) => id !== undefined);
  const from = pull.head.forgeRepositoryId;
  if (from !== undefined && known.length > 0 && known.every((id) => id === from)) return undefined;
  const where = from === undefined ? 'a repository that is gone' : 'a fork';
  return `pull request ${pull.number} comes from ${where}: ${NOT_YET}`;
}
