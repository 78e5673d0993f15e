import type { Repository } from '@solstice/common/store';
import type { Forge } from '../forges/forge.js';

/**
 * The full name of the default branch's ref: what was said with the repository (`ciadm repo add --default-branch`) goes
 * before what the forge says. Undefined: nothing was said, and the repository is empty.
 */
export async function defaultRefOf(
  repository: Repository,
  forge: Forge,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { defaultBranch } = repository;
  return defaultBranch === undefined ? forge.defaultRef(repository, signal) : `refs/heads/${defaultBranch}`;
}
