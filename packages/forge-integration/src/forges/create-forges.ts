import { type Clock, systemClock } from '@solstice/common/clock';
import type { ForgeSettings } from '@solstice/common/config';
import { assertNever } from '@solstice/common/errors';
import type { Logger } from '@solstice/common/telemetry';
import type { Forge } from './forge.js';
import { createForgejoForge } from './forgejo/forgejo-forge.js';
import { createGitForge } from './git/git-forge.js';
import { createGit } from './git/git-process.js';
import { createGithubForge } from './github/github-forge.js';

export interface ForgeDependencies {
  logger: Logger;
  /** For repositories of plain git forges that are not on this machine; made when needed. */
  cacheDirectory: string;
  /** The process's own: PATH and HOME, for git. */
  environment: Readonly<Record<string, string | undefined>>;
  clock?: Clock;
}

/** The configured forges, by id. */
export type Forges = ReadonlyMap<string, Forge>;

export function createForges(settings: readonly ForgeSettings[], dependencies: ForgeDependencies): Forges {
  const { logger, cacheDirectory, clock = systemClock } = dependencies;
  const git = createGit(dependencies.environment);
  const create = (forge: ForgeSettings): Forge => {
    switch (forge.kind) {
      case 'forgejo':
        return createForgejoForge(forge, { clock });
      case 'github':
        return createGithubForge(forge, { clock, logger });
      case 'git':
        return createGitForge(forge, { git, clock, cacheDirectory });
      default:
        return assertNever(forge.kind);
    }
  };
  return new Map(settings.map((forge) => [forge.id, create(forge)]));
}
