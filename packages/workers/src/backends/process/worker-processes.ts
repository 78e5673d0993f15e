import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SolsticeError } from '@solstice/common/errors';
import {
  listProcesses,
  type ProcessEntry,
  readEnvironment,
  readProcess,
  readWorkingDirectory,
} from '../../processes/proc.js';

/** In the environment of the runner and of all that it starts (it keeps SOLSTICE_* to itself, so not of that name); the value is the worker's directory. */
export const WORKER_MARKER = 'CI_WORKER_DIRECTORY';

const KILL_DEADLINE_MS = 15_000;
const KILL_PAUSE_MS = 10;

/**
 * Every process of the worker that lies in `directory`: those that carry the marker, all in a session of one of
 * them, orphans that work inside the directory (a step may have emptied their environment), and the children of all of these.
 */
export async function findWorkerProcesses(directory: string): Promise<ProcessEntry[]> {
  const marker = `${WORKER_MARKER}=${directory}`;
  const all = (await listProcesses()).filter(({ pid, state }) => pid !== process.pid && pid !== 1 && state !== 'Z');
  const found = new Map<number, ProcessEntry>();
  const sessions = new Set<number>();
  await Promise.all(
    all.map(async (entry) => {
      if ((await readEnvironment(entry.pid)).includes(marker)) {
        found.set(entry.pid, entry);
        sessions.add(entry.sessionId);
      } else if (entry.parentPid === 1 && isInside(await readWorkingDirectory(entry.pid), directory)) {
        found.set(entry.pid, entry);
      }
    }),
  );
  let grew = true;
  while (grew) {
    grew = false;
    for (const entry of all) {
      if (found.has(entry.pid) || !(sessions.has(entry.sessionId) || found.has(entry.parentPid))) continue;
      found.set(entry.pid, entry);
      grew = true;
    }
  }
  return [...found.values()];
}

/**
 * Kills them all, and looks again until none is left. They are stopped first, so that none can go on making new
 * ones while the others die. Rejects with `worker-failed` when one of them can't be killed.
 */
export async function killWorkerProcesses(directory: string): Promise<void> {
  const startedAt = performance.now();
  let found = await findWorkerProcesses(directory);
  while (found.length > 0) {
    await stopAll(directory, found);
    found = await findWorkerProcesses(directory);
    await Promise.all(found.map((entry) => signal(entry, 'SIGKILL')));
    if (performance.now() - startedAt > KILL_DEADLINE_MS) {
      const pids = found.map(({ pid }) => pid).join(', ');
      throw new SolsticeError('worker-failed', `processes of the worker in ${directory} can't be killed: ${pids}`);
    }
    await delay(KILL_PAUSE_MS);
    found = await findWorkerProcesses(directory);
  }
}

async function stopAll(directory: string, first: ProcessEntry[]): Promise<void> {
  const stopped = new Set<number>();
  let fresh = first;
  for (let round = 0; fresh.length > 0 && round < 50; round += 1) {
    await Promise.all(fresh.map((entry) => signal(entry, 'SIGSTOP')));
    for (const { pid } of fresh) stopped.add(pid);
    fresh = (await findWorkerProcesses(directory)).filter(({ pid }) => !stopped.has(pid));
  }
}

async function signal(entry: ProcessEntry, name: NodeJS.Signals): Promise<void> {
  if ((await readProcess(entry.pid))?.startTicks !== entry.startTicks) return;
  try {
    process.kill(entry.pid, name);
  } catch {
    // Gone by itself, or not ours: the next look tells which.
  }
}

function isInside(workingDirectory: string | undefined, directory: string): boolean {
  return workingDirectory === directory || workingDirectory?.startsWith(directory + path.sep) === true;
}
