import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pingDocker } from './docker-engine.js';

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 20_000;
const POLL_MS = 50;

export interface DockerDaemon {
  socketPath: string;
  /** Ends it, its containerd, containers, mounts and networks, and removes its directory. */
  stop(): Promise<void>;
}

/**
 * A Docker engine of our own. It lives in network, mount and pid namespaces of its own, so it meets no other engine's
 * bridges, addresses or firewall rules, and the end of its first process is the end of all that it made.
 */
export async function startDockerDaemon(): Promise<DockerDaemon> {
  const directory = await mkdtemp(path.join(tmpdir(), 'solstice-docker-'));
  const name = path.basename(directory);
  const socketPath = path.join(directory, 'docker.sock');
  const logFile = path.join(directory, 'dockerd.log');
  const log = await open(logFile, 'a');
  const daemon = ['sh', '-c', WITH_LOOPBACK, 'dockerd', ...daemonArguments(directory, name, socketPath)];
  const child = spawn('unshare', [...NAMESPACES, '--', ...daemon], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  const stop = (): Promise<void> => stopDaemon(child, directory, name);
  try {
    await answered(child, socketPath);
  } catch (error) {
    const said = (await readFile(logFile, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-15).join('\n');
    await stop();
    throw new Error(`dockerd did not start: ${String(error)}\n${said}`);
  }
  return { socketPath, stop };
}

// --kill-child: when unshare dies, so does dockerd; it is pid 1 in its namespace, so the kernel then ends the rest.
// Mounts that the tests make later must be seen inside, and none from inside outside: slave.
const NAMESPACES = ['--net', '--mount', '--propagation', 'slave', '--pid', '--fork', '--mount-proc', '--kill-child'];

// A new network namespace begins with its loopback down. `exec`, so that dockerd is the first process.
const WITH_LOOPBACK = 'ip link set lo up 2>/dev/null; exec dockerd "$@"';

function daemonArguments(directory: string, name: string, socketPath: string): string[] {
  return [
    `--host=unix://${socketPath}`,
    `--data-root=${path.join(directory, 'data')}`,
    `--exec-root=${path.join(directory, 'exec')}`,
    `--pidfile=${path.join(directory, 'dockerd.pid')}`,
    `--cgroup-parent=/${name}`,
    `--containerd-namespace=${name}`,
    `--containerd-plugins-namespace=${name}-plugins`,
    '--log-level=warn',
  ];
}

async function answered(child: ChildProcess, socketPath: string): Promise<void> {
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  const startedAt = performance.now();
  for (;;) {
    if (await pingDocker(socketPath)) return;
    const end = await Promise.race([ended, delay(POLL_MS)]);
    if (end !== undefined) throw new Error(end);
    if (performance.now() - startedAt > START_DEADLINE_MS) throw new Error('no answer within a minute');
  }
}

async function stopDaemon(child: ChildProcess, directory: string, name: string): Promise<void> {
  await endProcess(child);
  await rm(directory, { recursive: true, force: true });
  await removeControlGroups(name);
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  // dockerd itself is unshare's only child; asked first, so that it ends its containers and takes its mounts off.
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').catch(() => '');
  for (const pid of children.split(' ').filter((text) => text !== '')) trySignal(Number(pid), 'SIGTERM');
  const deadline = new AbortController();
  await Promise.race([exited, delay(STOP_DEADLINE_MS, undefined, { signal: deadline.signal }).catch(() => undefined)]);
  deadline.abort();
  child.kill('SIGKILL');
  await exited;
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

/** dockerd leaves its parent group behind, in every hierarchy (version 1) or in the only one (version 2). */
async function removeControlGroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup';
  const hierarchies = await readdir(root).catch(() => []);
  for (const hierarchy of ['', ...hierarchies]) await removeGroup(path.join(root, hierarchy, name));
}

/** A group's files can't be removed and go with it; the groups in it, left by a dockerd that was killed, come first. */
async function removeGroup(group: string): Promise<void> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(path.join(group, entry.name));
  await rmdir(group).catch(() => undefined);
}
