import { spawn } from 'node:child_process';
import { ForgeError } from '../forge-error.js';

export interface GitRequest {
  args: readonly string[];
  input?: string | Uint8Array;
  signal?: AbortSignal;
  /** Default 30 s. */
  timeoutMs?: number;
  /** Default 16 MiB of standard output. */
  maxOutputBytes?: number;
  /** Run as this user: files made in somebody's repository must stay theirs. */
  owner?: { uid: number; gid: number } | undefined;
}

export interface GitResult {
  exitCode: number;
  stdout: Buffer;
  stderr: string;
}

/** Runs git; resolves whatever its exit code. Rejects with ForgeError `unavailable` when it could not run to its end. */
export type Git = (request: GitRequest) => Promise<GitResult>;

/** Of the repository that a hook runs in: would point every git below it there. `git rev-parse --local-env-vars`, and the push's. */
const LOCAL_VARIABLES = new Set([
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_CONFIG',
  'GIT_CONFIG_COUNT',
  'GIT_CONFIG_PARAMETERS',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_NAMESPACE',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_QUARANTINE_PATH',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
]);

/** `environment`: the process's own (PATH, HOME, an ssh agent); what would confuse git is taken out. */
export function createGit(environment: Readonly<Record<string, string | undefined>>): Git {
  const base: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && !LOCAL_VARIABLES.has(name)) base[name] = value;
  }
  Object.assign(base, { GIT_TERMINAL_PROMPT: '0', GIT_NO_REPLACE_OBJECTS: '1', LC_ALL: 'C' });
  return (request) => run(base, request);
}

async function run(base: Record<string, string>, request: GitRequest): Promise<GitResult> {
  const { owner, signal } = request;
  if (signal?.aborted) throw new ForgeError('unavailable', 'git: stopped before it began', { cause: signal.reason });
  // Another user's home holds the wrong configuration, and mostly cannot be read.
  const env = owner ? { ...base, HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' } : base;
  return new Promise<GitResult>((resolve, reject) => {
    const child = spawn('git', ['-c', 'core.hooksPath=/dev/null', '-c', 'safe.directory=*', ...request.args], {
      cwd: '/',
      env,
      // A session of its own: no terminal to ask a password on, and one group to end with all its helpers.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(owner ?? {}),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let stdoutBytes = 0;
    let stderrBytes = 0;
    let stopped: string | undefined;
    const stop = (why: string) => {
      stopped ??= why;
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
    };
    const onAbort = () => stop('stopped before its end');
    const timer = setTimeout(() => stop('did not end in time'), request.timeoutMs ?? 30_000);
    signal?.addEventListener('abort', onAbort, { once: true });
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };

    child.stdout.on('data', (chunk: Buffer) => {
      stdoutBytes += chunk.length;
      if (stdoutBytes > (request.maxOutputBytes ?? 16 * 1024 * 1024)) stop('printed more than expected');
      else stdout.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderrBytes += chunk.length;
      if (stderrBytes <= 64 * 1024) stderr.push(chunk);
    });
    // git may end before it has read all: its exit code says more than the broken pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(request.input ?? '');
    child.once('error', (cause) => {
      settle();
      reject(new ForgeError('unavailable', `git could not be started: ${cause.message}`, { cause }));
    });
    child.once('close', (code, killedBy) => {
      settle();
      const name = request.args.find((arg, index, all) => !arg.startsWith('-') && all[index - 1] !== '-c') ?? '';
      if (stopped !== undefined) return reject(new ForgeError('unavailable', `git ${name} ${stopped}`));
      if (code === null) return reject(new ForgeError('unavailable', `git ${name} was ended by ${killedBy}`));
      resolve({ exitCode: code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') });
    });
  });
}

/** What git complained of, on one line, without a password that an address may hold. */
export function complaint(result: GitResult): string {
  const text = result.stderr.trim().split('\n').slice(-3).join('; ') || `exit code ${result.exitCode}`;
  return withoutCredentials(text);
}

export function withoutCredentials(text: string): string {
  return text.replace(/(\w+:\/\/)[^/@\s]+@/g, '$1');
}
