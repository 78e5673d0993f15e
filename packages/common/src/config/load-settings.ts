import { existsSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism, homedir, hostname, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { SolsticeError, toError } from '../errors/index.js';
import type { Environment } from './environment.js';
import { defaultDataDirectory, type Machine, parseSettings } from './parse-settings.js';
import type { Settings } from './settings.js';

export interface LoadSettingsOptions {
  /** What `--config` says. It must be there, as must the one that SOLSTICE_CONFIG names. */
  file?: string;
  /** process.env, which nothing else reads. */
  env: Environment;
  machine: Machine;
}

/**
 * Reads the settings: `file`, else `$SOLSTICE_CONFIG`, else the first of `./solstice.kdl`,
 * `/etc/solstice/solstice.kdl` and `<data>/solstice.kdl` that is there, else none; the variables over it.
 *
 * @throws SolsticeError settings-invalid
 */
export async function loadSettings({ file, env, machine }: LoadSettingsOptions): Promise<Settings> {
  const path = findFile(file, env, machine);
  let text: string | undefined;
  if (path !== undefined) {
    try {
      text = readFileSync(path, 'utf8');
    } catch (thrown) {
      const reason = (thrown as NodeJS.ErrnoException).code ?? toError(thrown).message;
      throw new SolsticeError('settings-invalid', `${path} cannot be read (${reason}).`, { cause: thrown });
    }
  }
  const settings = parseSettings(text, path, env, machine, (secretPath) => ({
    text: readFileSync(secretPath, 'utf8'),
    mode: statSync(secretPath).mode & 0o777,
  }));
  return settings;
}

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    hostname: hostname(),
    uid: process.getuid?.() ?? 0,
    home: homedir(),
    workingDirectory: process.cwd(),
  };
}

function findFile(file: string | undefined, env: Environment, machine: Machine): string | undefined {
  const workingDirectory = machine.workingDirectory ?? '/';
  const named = file ?? (env.SOLSTICE_CONFIG || undefined);
  if (named !== undefined) {
    return resolve(workingDirectory, named);
  }
  const dataDirectory = env.SOLSTICE_DATA_DIR || defaultDataDirectory(env, machine);
  const places = ['solstice.kdl', '/etc/solstice/solstice.kdl', `${dataDirectory}/solstice.kdl`];
  return places.map((place) => resolve(workingDirectory, place)).find((place) => existsSync(place));
}
