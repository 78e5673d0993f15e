import { execFile } from 'node:child_process';
import { readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DoctorItem } from '@solstice/api';
import type { Settings } from '@solstice/common/config';
import { toError } from '@solstice/common/errors';
import { type Context, readAddresses } from '../context.js';

const gibibyte = 1024 ** 3;
const wantedFreeBytes = 2 * gibibyte;
const run = promisify(execFile);

/** What can be seen from this machine, also when no server runs. */
export async function localChecks(context: Context): Promise<DoctorItem[]> {
  const items: DoctorItem[] = [checkNode(), await checkGit()];
  let settings: Settings | undefined;
  try {
    settings = await context.settings();
    const source = settings.file ?? 'no file: the defaults';
    items.push({ name: 'settings', state: 'ok', detail: source });
  } catch (error) {
    items.push({
      name: 'settings',
      state: 'fail',
      detail: toError(error).message,
      hint: 'docs/settings.md lists all of them.',
    });
  }
  if (context.isServerElsewhere) {
    // What lies about here is not that server's.
    items.push(await checkToken(await context.tokenFile()));
    return items;
  }
  const dataDirectory = settings?.dataDirectory ?? (context.options.dataDir && context.path(context.options.dataDir));
  if (!dataDirectory) return items;
  const directory = await checkDataDirectory(dataDirectory);
  items.push(directory);
  if (directory.state === 'fail') return items;
  items.push(
    await checkProcess(dataDirectory),
    await checkToken(await context.tokenFile()),
    await checkDisk(dataDirectory),
  );
  if (settings?.databaseUrl === undefined) items.push(await checkEmbeddedDatabase(dataDirectory));
  else
    items.push({
      name: 'database',
      state: 'ok',
      detail: 'an external one (database_url); the server says whether it answers',
    });
  return items;
}

function checkNode(): DoctorItem {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return { name: 'node', state: 'ok', detail: node };
  return { name: 'node', state: 'fail', detail: node, hint: 'Node.js 20.19 or newer is wanted.' };
}

async function checkGit(): Promise<DoctorItem> {
  try {
    const { stdout } = await run('git', ['--version'], { timeout: 10_000 });
    return { name: 'git', state: 'ok', detail: stdout.trim().replace(/^git version /, '') };
  } catch {
    return {
      name: 'git',
      state: 'fail',
      detail: 'not found',
      hint: 'Install git: the hosts fetch the sources with it.',
    };
  }
}

async function checkDataDirectory(path: string): Promise<DoctorItem> {
  const name = 'data directory';
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  if (found instanceof Error) {
    if (found.code === 'ENOENT') {
      return { name, state: 'warn', detail: `${path} is not there yet`, hint: 'solstice up makes it.' };
    }
    return {
      name,
      state: 'fail',
      detail: `${path}: ${found.code ?? found.message}`,
      hint: 'Check its owner and mode.',
    };
  }
  if (!found.isDirectory()) return { name, state: 'fail', detail: `${path} is no directory` };
  const others = (found.mode & 0o007) !== 0 && (await stat(join(path, 'secret.key')).catch(() => undefined));
  if (others && (others.mode & 0o077) !== 0) {
    const hint = `chmod 600 ${join(path, 'secret.key')}`;
    return { name, state: 'fail', detail: `${path}: the key in it can be read by others`, hint };
  }
  return { name, state: 'ok', detail: path };
}

async function checkProcess(dataDirectory: string): Promise<DoctorItem> {
  const name = 'server';
  const addresses = await readAddresses(dataDirectory);
  const hint = 'Start it with solstice up.';
  if (!addresses) return { name, state: 'warn', detail: 'not running', hint };
  const { pid } = addresses;
  if (pid !== undefined && !isAlive(pid)) {
    const detail = `not running; process ${pid} ended without cleaning up, which does no harm`;
    return { name, state: 'warn', detail, hint };
  }
  const where = `${addresses.public}, operator API ${addresses.operator}`;
  return { name, state: 'ok', detail: pid === undefined ? where : `process ${pid}, ${where}` };
}

async function checkToken(file: string): Promise<DoctorItem> {
  const name = 'operator token';
  const found = await stat(file).catch(() => undefined);
  if (!found) return { name, state: 'warn', detail: `${file} is not there`, hint: 'solstice up makes it.' };
  if ((found.mode & 0o077) !== 0) {
    return { name, state: 'fail', detail: `${file} can be read by others`, hint: `chmod 600 ${file}` };
  }
  return { name, state: 'ok', detail: file };
}

async function checkDisk(dataDirectory: string): Promise<DoctorItem> {
  const name = 'disk';
  try {
    const { bavail, bsize } = await statfs(dataDirectory);
    const detail = `${((bavail * bsize) / gibibyte).toFixed(1)} GiB free for ${dataDirectory}`;
    if (bavail * bsize >= wantedFreeBytes) return { name, state: 'ok', detail };
    return {
      name,
      state: 'warn',
      detail,
      hint: 'Logs, mirrors and work trees need room: free some, or move data_dir.',
    };
  } catch {
    return { name, state: 'ok', detail: 'looked at when the data directory is there' };
  }
}

async function checkEmbeddedDatabase(dataDirectory: string): Promise<DoctorItem> {
  const name = 'database';
  const cluster = join(dataDirectory, 'postgres', 'cluster');
  const version = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch((error: NodeJS.ErrnoException) => error);
  if (version instanceof Error) {
    if (version.code === 'EACCES') {
      return {
        name,
        state: 'warn',
        detail: `${cluster} can only be read by its owner`,
        hint: 'Run this as that user.',
      };
    }
    return { name, state: 'warn', detail: 'embedded, not made yet', hint: 'solstice up makes it.' };
  }
  const pid = await readPid(join(cluster, 'postmaster.pid'));
  const detail = `embedded, PostgreSQL ${version.trim()}`;
  if (pid === undefined) return { name, state: 'ok', detail: `${detail}, stopped in order` };
  if (isAlive(pid)) return { name, state: 'ok', detail: `${detail}, process ${pid} runs` };
  return {
    name,
    state: 'warn',
    detail: `${detail}, not stopped in order`,
    hint: 'The next start recovers it by itself.',
  };
}

async function readPid(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
