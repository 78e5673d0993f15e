import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { exitCodes, RunnerExit } from '../exit-codes.js';

const markerName = 'started';

/** Has a runner with this spool directory begun its first step before? */
export function hasStarted(spoolDirectory: string): boolean {
  return existsSync(join(spoolDirectory, markerName));
}

/** Durable when it returns, also through a power cut: steps are started once. Throws RunnerExit `alreadyStarted` if it was there. */
export function markStarted(spoolDirectory: string): void {
  try {
    const marker = openSync(join(spoolDirectory, markerName), 'wx', 0o600);
    fsyncSync(marker);
    closeSync(marker);
    const directory = openSync(spoolDirectory, 'r');
    fsyncSync(directory);
    closeSync(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      throw new RunnerExit(exitCodes.alreadyStarted, 'the start marker is there: this job has been started before');
    }
    throw new RunnerExit(exitCodes.spool, 'the start marker cannot be written', { cause: error });
  }
}
