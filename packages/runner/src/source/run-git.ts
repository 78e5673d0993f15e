import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const lastOutputBytes = 4096;

/** The program's path, or undefined: it is not on the PATH. */
export function findProgram(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export interface GitCall {
  git: string;
  arguments: string[];
  cwd: string;
  environment: Record<string, string>;
  signal: AbortSignal;
}

/** Runs git and waits. Rejects with its own last words; when aborted, its whole process group is killed. */
export function runGit(call: GitCall): Promise<void> {
  return new Promise((resolve, reject) => {
    if (call.signal.aborted) return reject(new Error('git was stopped'));
    const child = spawn(call.git, call.arguments, {
      cwd: call.cwd,
      env: call.environment,
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-lastOutputBytes);
    });
    const kill = () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    call.signal.addEventListener('abort', kill, { once: true });
    child.once('exit', () => call.signal.removeEventListener('abort', kill));
    child.once('error', (error) => reject(new Error(`git cannot be started: ${error.message}`)));
    child.once('close', (exitCode, signal) => {
      if (exitCode === 0) return resolve();
      const why = call.signal.aborted ? 'git was stopped' : said.trim() || `git ended with ${exitCode ?? signal}`;
      reject(new Error(why));
    });
  });
}
