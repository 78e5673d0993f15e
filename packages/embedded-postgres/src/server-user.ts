import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EmbeddedPostgresError, errnoOf } from './errors.js';

/** Who the server runs as. PostgreSQL refuses to run as root. */
export interface ServerUser {
  uid: number;
  gid: number;
  /** True: this process is root and changes to the user; files must be handed over. */
  switched: boolean;
}

/** `nobody` on every Linux; used by number, so that no account has to exist or be made. */
const unprivilegedId = 65534;

/** Root keeps to the owner of a cluster that is already there: somebody may have started it without sudo before. */
export async function serverUserFor(clusterDirectory: string): Promise<ServerUser> {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return { uid, gid: process.getgid?.() ?? 0, switched: false };
  try {
    const owner = await stat(clusterDirectory);
    if (owner.uid !== 0) return { uid: owner.uid, gid: owner.gid, switched: true };
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  return { uid: unprivilegedId, gid: unprivilegedId, switched: true };
}

/** What a child process gets: nothing of our environment, so that no PG* variable reaches the server. */
export const serverEnvironment: NodeJS.ProcessEnv = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};

/** Runs a short command as the server's user. Never rejects: a command that cannot be started has exit code 127. */
export async function runAs(
  user: ServerUser,
  command: string,
  args: readonly string[],
  options: { cwd?: string; timeoutMs: number },
): Promise<{ exitCode: number; output: string }> {
  return await new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd: options.cwd ?? '/',
      env: serverEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...(user.switched ? { uid: user.uid, gid: user.gid } : {}),
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', (error) => resolve({ exitCode: 127, output: `${output}${error.message}` }));
    child.on('close', (exitCode, signal) =>
      resolve({ exitCode: exitCode ?? 1, output: signal ? `${output}ended by ${signal}` : output }),
    );
  });
}

export async function canReach(directory: string, user: ServerUser): Promise<boolean> {
  if (!user.switched) return true;
  const probe = await runAs(user, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { timeoutMs: 10_000 });
  return probe.exitCode === 0;
}

/** Rejects with the folder that stops the server's user on its way to `directory`. */
export async function assertReachable(directory: string, user: ServerUser): Promise<void> {
  if (await canReach(directory, user)) return;
  const closed = (await closedAncestor(directory, user)) ?? directory;
  throw new EmbeddedPostgresError(
    'data-directory-unreachable',
    `PostgreSQL does not run as root, so it runs as user ${user.uid}, and that user cannot enter ${closed}, which is on the way to ${directory}`,
    `Set a data directory elsewhere (/var/lib/solstice for instance), or let others pass through: chmod o+x '${closed}'.`,
  );
}

/** The outermost folder whose mode lets the user not through; undefined when the modes do not tell. */
async function closedAncestor(directory: string, user: ServerUser): Promise<string | undefined> {
  let closed: string | undefined;
  for (let folder = directory; ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) closed = folder;
    if (folder === dirname(folder)) return closed;
  }
}
