import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from '../../processes/process-identity.js';
import type { WorkerExit } from '../backend.js';
import type { WorkerDirectory } from './worker-directory.js';
import { WORKER_MARKER } from './worker-processes.js';

const ADOPTED_POLL_MS = 200;
const PLAIN_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface RunnerCommand {
  nodePath: string;
  runnerBundle: string;
}

export interface StartedRunner {
  identity: ProcessIdentity;
  exit: Promise<WorkerExit>;
}

/**
 * Starts the runner in a session of its own, with files for its output, so that it outlives this process. It gets
 * nothing of this process's environment. Rejects when it cannot be started at all.
 */
export async function startRunner(command: RunnerCommand, directory: WorkerDirectory): Promise<StartedRunner> {
  const output = await open(directory.output, 'a', 0o600);
  try {
    const child = spawn(command.nodePath, [command.runnerBundle, '--boot', directory.bootFile], {
      cwd: directory.path,
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      env: { PATH: PLAIN_PATH, HOME: directory.home, LANG: 'C.UTF-8', [WORKER_MARKER]: directory.path },
    });
    // Listened for at once: a runner that ends at its first breath must not be missed.
    const exit = exitOf(child, directory);
    const pid = await pidOf(child);
    child.unref();
    // One that has ended before it could be looked at gets an identity that no live process has.
    return { identity: (await identify(pid)) ?? { pid, startTicks: '', bootId: '' }, exit };
  } finally {
    await output.close();
  }
}

/** Ends with a runner that an earlier process started: how it ended, only its own parent could have been told. */
export async function waitForAdopted(identity: ProcessIdentity, directory: WorkerDirectory): Promise<WorkerExit> {
  while (await isAlive(identity)) await delay(ADOPTED_POLL_MS, undefined, { ref: false });
  return await exited(directory, undefined, undefined);
}

async function exited(directory: WorkerDirectory, exitCode?: number, signal?: string): Promise<WorkerExit> {
  return { kind: 'exited', exitCode, signal, outOfMemory: false, lastOutput: await directory.lastOutput() };
}

function exitOf(child: ChildProcess, directory: WorkerDirectory): Promise<WorkerExit> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(exited(directory)));
    child.once('exit', (code, signal) => resolve(exited(directory, code ?? undefined, signal ?? undefined)));
  });
}

function pidOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}
