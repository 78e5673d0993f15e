import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runGit } from './run-git.js';

export interface GitCheckout {
  git: string;
  mirrorPath: string;
  commit: string;
  workDirectory: string;
  spoolDirectory: string;
  environment: Record<string, string>;
  signal: AbortSignal;
}

/**
 * A real clone that borrows the mirror's objects, with the commit checked out, its head detached. The work directory
 * may be there already, if it is empty. Gives what steps need so that their git accepts a checkout and a mirror that
 * belong to another user. Rejects with git's own words.
 */
export async function checkOutWithGit(checkout: GitCheckout): Promise<Record<string, string>> {
  const { git, mirrorPath, commit, workDirectory, spoolDirectory, signal } = checkout;
  // It becomes an argument of git: nothing but an object name may.
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)) throw new Error(`not a commit: ${commit}`);
  const globalConfig = writeGlobalConfig(spoolDirectory, checkout.environment.HOME);
  const environment = {
    ...checkout.environment,
    GIT_CONFIG_GLOBAL: globalConfig,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_LFS_SKIP_SMUDGE: '1',
    LC_ALL: 'C',
  };
  mkdirSync(workDirectory, { recursive: true });
  const run = (parameters: string[]) => runGit({ git, arguments: parameters, cwd: workDirectory, environment, signal });
  // No template: an image may bring hooks in its own. No clean-up in the background while steps run.
  const settings = ['gc.auto=0', 'maintenance.auto=false', 'advice.detachedHead=false'];
  const options = settings.flatMap((setting) => ['--config', setting]);
  await run(['clone', '--quiet', '--shared', '--no-checkout', '--template=', ...options, '--', mirrorPath, '.']);
  await run(['checkout', '--quiet', '--force', '--detach', commit, '--']);
  return { GIT_CONFIG_GLOBAL: globalConfig };
}

/** The user's own settings, and that directories of other owners are trusted here: all of them belong to this one job. */
function writeGlobalConfig(spoolDirectory: string, home: string | undefined): string {
  const path = join(spoolDirectory, 'gitconfig');
  const include = home === undefined ? '' : `[include]\n\tpath = ${JSON.stringify(join(home, '.gitconfig'))}\n`;
  writeFileSync(path, `${include}[safe]\n\tdirectory = *\n`, { mode: 0o644 });
  return path;
}
