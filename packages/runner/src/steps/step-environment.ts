import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * What every process of the job starts from: the worker's own environment (in a container, the image's), without
 * what belongs to the runner, and with a home, a place for temporary files and a path that work.
 */
export function baseEnvironment(own: Environment, spoolDirectory: string): Record<string, string> {
  const base: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && !name.startsWith('SOLSTICE_')) base[name] = value;
  }
  base.PATH ||= defaultPath;
  if (!isUsableDirectory(base.HOME)) base.HOME = ownDirectory(spoolDirectory, 'home');
  if (!isUsableDirectory(base.TMPDIR ?? '/tmp')) base.TMPDIR = ownDirectory(spoolDirectory, 'tmp');
  base.CI = 'true';
  return base;
}

/** Later ones win. `programs`: a directory that comes first in any PATH. */
export function stepEnvironment(
  base: Readonly<Record<string, string>>,
  job: Readonly<Record<string, string>>,
  step: Readonly<Record<string, string>>,
  programs?: string,
): Record<string, string> {
  const merged = { ...base, ...job, ...step };
  return programs === undefined ? merged : { ...merged, PATH: `${programs}:${merged.PATH || defaultPath}` };
}

function isUsableDirectory(path: string | undefined): boolean {
  if (path === undefined || path === '') return false;
  try {
    // Images give users that have no home `/`: writable for root only by accident.
    accessSync(path, constants.W_OK | constants.X_OK);
    return path !== '/' && statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function ownDirectory(spoolDirectory: string, name: string): string {
  const path = join(spoolDirectory, name);
  mkdirSync(path, { recursive: true });
  return path;
}
