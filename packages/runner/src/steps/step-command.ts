import { accessSync, closeSync, constants, mkdirSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, normalize } from 'node:path';
import type { Step } from '@solstice/common/rpc';

export interface StepCommand {
  file: string;
  arguments: string[];
}

/** A sentence for people: why the step cannot be started. */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';
}

/** What to execute for this step. Throws CannotStart. */
export function stepCommand(step: Step, workDirectory: string, scriptsDirectory: string): StepCommand {
  switch (step.action?.$case) {
    case 'run': {
      // In a file: a command line is there for every process of the host to read, and is limited in length.
      mkdirSync(scriptsDirectory, { recursive: true });
      const file = join(scriptsDirectory, `step-${step.index}.sh`);
      writeFileSync(file, step.action.value, { mode: 0o600 });
      return { file: '/bin/sh', arguments: ['-e', file] };
    }
    case 'scriptPath':
      return { file: executableOfCheckout(step.action.value, workDirectory), arguments: [] };
    case undefined:
      throw new CannotStart('the step has no action that this runner knows');
  }
}

function executableOfCheckout(path: string, workDirectory: string): string {
  const inside = normalize(path);
  if (isAbsolute(path) || inside === '..' || inside.startsWith('../')) {
    throw new CannotStart(`${path} is outside the checkout`);
  }
  const file = join(workDirectory, inside);
  let isFile: boolean;
  try {
    isFile = statSync(file).isFile();
  } catch {
    throw new CannotStart(`${path} is not in this commit`);
  }
  if (!isFile) throw new CannotStart(`${path} is not a file`);
  try {
    accessSync(file, constants.X_OK);
  } catch {
    throw new CannotStart(`${path} is not executable; mark it with: git update-index --chmod=+x ${path}`);
  }
  return file;
}

/** Says in words why starting this command failed. */
export function explainSpawnError(error: NodeJS.ErrnoException, command: StepCommand, workDirectory: string): string {
  if (!exists(workDirectory)) return `the work directory ${workDirectory} is gone`;
  if (error.code === 'E2BIG')
    return 'its environment is too large; hand less on in env, and in the outputs of the jobs it needs';
  if (command.file === '/bin/sh') {
    return error.code === 'ENOENT' ? 'this worker has no /bin/sh' : `/bin/sh cannot be started: ${error.message}`;
  }
  const interpreter = shebang(command.file);
  if (error.code === 'ENOENT' && interpreter !== undefined) {
    return `its interpreter ${interpreter} is not in this worker`;
  }
  return `${command.file} cannot be started: ${error.message}`;
}

function shebang(file: string): string | undefined {
  const start = Buffer.alloc(256);
  try {
    const fd = openSync(file, 'r');
    readSync(fd, start, 0, start.length, 0);
    closeSync(fd);
  } catch {
    return undefined;
  }
  return /^#![ \t]*([^\s\0]+)/.exec(start.toString('latin1'))?.[1];
}

function exists(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
