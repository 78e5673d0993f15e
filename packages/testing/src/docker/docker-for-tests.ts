import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type DockerDaemon, startDockerDaemon } from './docker-daemon.js';
import { pingDocker } from './docker-engine.js';

const run = promisify(execFile);
const INSTALL_DEADLINE_MS = 10 * 60_000;
const DEFAULT_SOCKET = '/var/run/docker.sock';

export type DockerForTests = DockerEngine | { missing: string };

export interface DockerEngine {
  socketPath: string;
  /** `unix://…`, as for DOCKER_HOST. */
  dockerHost: string;
  /** Ends the engine if it was started here; one that was there before goes on. */
  stop(): Promise<void>;
}

type Environment = Record<string, string | undefined>;

/**
 * A Docker engine: the one of DOCKER_HOST or of the usual socket if it answers; else, with CI=true or
 * SOLSTICE_TEST_INSTALL=1, as root on Debian, one that is installed and started for this run; else one line that says
 * what is missing. `scripts/test.mjs` calls it once for the whole run and hands DOCKER_HOST on to the suites.
 */
export async function dockerForTests(environment: Environment = process.env): Promise<DockerForTests> {
  const dockerHost = environment.DOCKER_HOST;
  if (dockerHost !== undefined && dockerHost !== '') {
    const socketPath = dockerHost.replace(/^unix:\/\//, '');
    if (!path.isAbsolute(socketPath)) return { missing: `tests need Docker at a unix socket, not at ${dockerHost}` };
    if (await pingDocker(socketPath)) return engine(socketPath, async () => undefined);
    return { missing: `Docker does not answer at DOCKER_HOST=${dockerHost}` };
  }
  if (await pingDocker(DEFAULT_SOCKET)) return engine(DEFAULT_SOCKET, async () => undefined);
  if (environment.CI !== 'true' && environment.SOLSTICE_TEST_INSTALL !== '1') {
    return { missing: 'no Docker engine answers (SOLSTICE_TEST_INSTALL=1 installs and starts one, as root on Debian)' };
  }
  const missing = await provideDockerd();
  if (missing !== undefined) return { missing };
  const daemon: DockerDaemon = await startDockerDaemon();
  return engine(daemon.socketPath, daemon.stop);
}

/** Undefined: dockerd is installed (now), and this process may start it. Else what is missing. */
export async function provideDockerd(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'no Docker engine answers, and only root can start one';
  if (await installed('dockerd', 'iptables')) return undefined;
  if (!(await isDebian())) return 'Docker is not installed, and this is not Debian';
  await install('docker.io', 'iptables', 'busybox-static');
  return undefined;
}

function engine(socketPath: string, stop: () => Promise<void>): DockerEngine {
  return { socketPath, dockerHost: `unix://${socketPath}`, stop };
}

async function installed(...programs: string[]): Promise<boolean> {
  const directories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const found = await Promise.all(
    programs.map(async (program) => {
      const looks = directories.map((directory) =>
        access(path.join(directory, program)).then(
          () => true,
          () => false,
        ),
      );
      return (await Promise.all(looks)).includes(true);
    }),
  );
  return !found.includes(false);
}

async function isDebian(): Promise<boolean> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*debian/m.test(release);
}

async function install(...packages: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const settings = { env, timeout: INSTALL_DEADLINE_MS, maxBuffer: 64 * 1024 * 1024 };
  // An old list is better than none: where everything is there already, no network is needed.
  await run('apt-get', ['update', '-q'], settings).catch(() => undefined);
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], settings);
}
