import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { SolsticeError } from '@solstice/common/errors';

export interface GitCredential {
  username: string;
  token: string;
}

export interface GitCall {
  deadlineMs: number;
  /** For this origin (`https://host:port`) and no other, also after a redirect. */
  credential?: { origin: string; credential: GitCredential } | undefined;
}

export interface GitResult {
  ok: boolean;
  stdout: string;
  /** git's own words, without its progress; never empty when it failed. */
  said: string;
}

const KILL_AFTER_MS = 2_000;
const OUTPUT_BYTES_MAX = 64 * 1024;

// Everything that a mirror's git must know, whoever runs this and whatever their own settings are. The two last: a
// local repository may belong to another user, and a commit that was pushed away is asked for by its own name.
const GLOBAL_CONFIG = `[gc]
\tauto = 0
[maintenance]
\tauto = false
[credential]
\thelper =
[core]
\thooksPath = /dev/null
[http]
\tlowSpeedLimit = 1000
\tlowSpeedTime = 60
[tar]
\tumask = 0022
[safe]
\tdirectory = *
[uploadpack]
\tallowAnySHA1InWant = true
`;

/** Runs the machine's git: never asks, has a deadline, and no secret in its arguments, addresses or files. */
export class Git {
  readonly #configFile: string;
  readonly #inherited: Record<string, string>;
  #configured: Promise<void> | undefined;

  /** `inherited`: what git and ssh may need of the environment, such as proxies or SSH_AUTH_SOCK. */
  constructor(directory: string, inherited: Record<string, string> = {}) {
    this.#configFile = path.join(directory, 'gitconfig');
    this.#inherited = inherited;
  }

  /** Rejects only when git can't be started. */
  async run(parameters: string[], call: GitCall): Promise<GitResult> {
    const child = await this.start(parameters, call.credential);
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    let late = false;
    const terminate = setTimeout(() => {
      late = true;
      killGroup(child, 'SIGTERM');
    }, call.deadlineMs);
    const kill = setTimeout(() => killGroup(child, 'SIGKILL'), call.deadlineMs + KILL_AFTER_MS);
    try {
      const end = await ended(child);
      const said = late ? `git was ended after ${call.deadlineMs} ms` : wordsOf(stderr()) || end.description;
      return { ok: end.ok && !late, stdout: stdout(), said };
    } finally {
      clearTimeout(terminate);
      clearTimeout(kill);
    }
  }

  /** A process group of its own, for whoever wants its output as it comes. */
  async start(parameters: string[], credential?: GitCall['credential']): Promise<GitProcess> {
    this.#configured ??= this.#configure();
    await this.#configured;
    return spawn('git', parameters, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...this.#environment(), ...credentialEnvironment(credential) },
    });
  }

  #environment(): Record<string, string> {
    return {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: homedir(),
      ...this.#inherited,
      LC_ALL: 'C',
      GIT_CONFIG_GLOBAL: this.#configFile,
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
      GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
    };
  }

  async #configure(): Promise<void> {
    await mkdir(path.dirname(this.#configFile), { recursive: true });
    const fresh = `${this.#configFile}.${process.pid}`;
    await writeFile(fresh, GLOBAL_CONFIG);
    await rename(fresh, this.#configFile);
  }
}

export type GitProcess = ChildProcessByStdio<null, Readable, Readable>;

export function killGroup(child: GitProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
}

/** Rejects when git could not be started at all. */
export function ended(child: GitProcess): Promise<{ ok: boolean; description: string }> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(
        new SolsticeError('source-unavailable', `git can't be started: ${cause.message}`, {
          cause,
          hint: 'Install git on this host.',
        }),
      );
    });
    child.once('close', (code, signal) => resolve({ ok: code === 0, description: `git ended with ${signal ?? code}` }));
  });
}

/** The last that a stream carried, as text. */
export function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (piece: string) => {
    text = (text + piece).slice(-OUTPUT_BYTES_MAX);
  });
  return () => text;
}

/** Without progress, which overwrites its line, and without hints. */
export function wordsOf(stderr: string): string {
  return stderr
    .split('\n')
    .map((line) => line.slice(line.lastIndexOf('\r') + 1).trim())
    .filter((line) => line !== '' && !line.startsWith('hint:'))
    .slice(-5)
    .join('; ');
}

/**
 * The credential goes through the environment, where only the same user can see it, to a helper that git asks for
 * that origin alone; a header would go along to wherever a redirect leads.
 */
function credentialEnvironment(given: GitCall['credential']): Record<string, string> {
  if (given === undefined) return {};
  const helper =
    '!f() { test "$1" = get && echo "username=$SOLSTICE_GIT_USERNAME" && echo "password=$SOLSTICE_GIT_TOKEN"; }; f';
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `credential.${given.origin}.helper`,
    GIT_CONFIG_VALUE_0: helper,
    SOLSTICE_GIT_USERNAME: given.credential.username,
    SOLSTICE_GIT_TOKEN: given.credential.token,
  };
}
