import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from './errors.js';

/** What a running server wrote down of itself, in `postmaster.pid`. */
export interface Postmaster {
  pid: number;
  /** Of its TCP addresses, if it has any, and in the name of its socket. */
  port: number;
  socketDirectory: string;
}

async function readPidFile(cluster: string): Promise<Postmaster | undefined> {
  try {
    const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), socketDirectory: lines[4] ?? '' };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The server that runs on this cluster. A pid file whose process is gone, or is by now something else, counts for nothing. */
export async function runningPostmaster(cluster: string): Promise<Postmaster | undefined> {
  const written = await readPidFile(cluster);
  if (written === undefined || !Number.isInteger(written.pid)) return undefined;
  return (await isAlive(written.pid, cluster)) ? written : undefined;
}

/** Short and the same for a data directory at all times: names its socket's folder and, in `ps`, its processes. */
export function serverName(cluster: string): string {
  return `solstice-postgres-${createHash('sha256').update(cluster).digest('hex').slice(0, 16)}`;
}

/**
 * Is this process the postmaster, or a child, of this cluster's server? Told from its command line: that is the one thing that
 * root may read of another user's process also in a container, where it lacks CAP_SYS_PTRACE.
 */
export async function isAlive(pid: number, cluster: string): Promise<boolean> {
  let commandLine: string;
  try {
    commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return false;
  }
  const [executable = '', ...args] = commandLine.split('\0');
  if (basename(executable) === 'postgres') return args.includes(cluster);
  return commandLine.startsWith(`postgres: ${serverName(cluster)}: `);
}

/**
 * After the postmaster was killed its children may live on for a while (one in a long statement does), and the next
 * postmaster refuses to start beside them. Under the directory's lock, with no postmaster running.
 */
export async function clearRemains(cluster: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const pids = await serverProcesses(cluster);
    if (pids.length === 0) break;
    for (const pid of pids) signal(pid, attempt < 20 ? 'SIGQUIT' : 'SIGKILL');
    await delay(50);
  }
  await rm(join(cluster, 'postmaster.pid'), { force: true });
}

async function serverProcesses(cluster: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const ours = await Promise.all(pids.map(async (pid) => ((await isAlive(pid, cluster)) ? [pid] : [])));
  return ours.flat();
}

/** SIGINT: fast (clients are cut off, all is written). SIGQUIT: immediate (the next start recovers). */
export function signal(pid: number, name: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/** Polls until the process is gone. False: still there after the deadline. */
export async function waitGone(pid: number, cluster: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (await isAlive(pid, cluster)) {
    if (performance.now() > deadline) return false;
    await delay(20);
  }
  return true;
}
