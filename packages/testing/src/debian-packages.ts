import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_DEADLINE_MS = 10 * 60_000;
const PROGRAM_DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

type Environment = Record<string, string | undefined>;

export interface Wanted {
  /** How it is called in the sentence that says that it is missing: `RabbitMQ`. */
  name: string;
  programs: readonly string[];
  /** The Debian packages that have them. */
  packages: readonly string[];
}

/**
 * Undefined: the programs are there (now), and this process is root, which tests need to start such a thing. Else one
 * line that says what is missing. Installs only with CI=true or SOLSTICE_TEST_INSTALL=1, as root on Debian.
 */
export async function provide(wanted: Wanted, environment: Environment = process.env): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return `only root can start ${wanted.name} for tests`;
  if (await isInstalled(...wanted.programs)) return undefined;
  if (environment.CI !== 'true' && environment.SOLSTICE_TEST_INSTALL !== '1') {
    return `${wanted.name} is not installed (SOLSTICE_TEST_INSTALL=1 installs it, as root on Debian)`;
  }
  if (!(await isDebian())) return `${wanted.name} is not installed, and this is not Debian`;
  await installPackages(...wanted.packages);
  return undefined;
}

export async function isInstalled(...programs: string[]): Promise<boolean> {
  const found = await Promise.all(programs.map(findProgram));
  return !found.includes(undefined);
}

async function findProgram(program: string): Promise<string | undefined> {
  for (const directory of PROGRAM_DIRECTORIES) {
    const path = join(directory, program);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

export async function isDebian(): Promise<boolean> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*debian/m.test(release);
}

export async function installPackages(...packages: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const settings = { env, timeout: INSTALL_DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 };
  // An old list is better than none: where everything is there already, no network is needed.
  await run('apt-get', ['update', '-q'], settings).catch(() => undefined);
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], settings);
}
