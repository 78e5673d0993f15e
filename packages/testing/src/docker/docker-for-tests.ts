import path from 'node:path';
import { installPackages, isDebian, isInstalled } from '../debian-packages.js';
import { type DockerDaemon, startDockerDaemon } from './docker-daemon.js';
import { pingDocker } from './docker-engine.js';

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
  if (await isInstalled('dockerd', 'iptables')) return undefined;
  if (!(await isDebian())) return 'Docker is not installed, and this is not Debian';
  await installPackages('docker.io', 'iptables', 'busybox-static');
  return undefined;
}

function engine(socketPath: string, stop: () => Promise<void>): DockerEngine {
  return { socketPath, dockerHost: `unix://${socketPath}`, stop };
}
