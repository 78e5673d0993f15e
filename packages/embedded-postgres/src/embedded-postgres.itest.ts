import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedBinaries } from './binaries.js';
import { clusterDirectory } from './cluster.js';
import { type EmbeddedPostgres, removeEmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.js';
import { isAlive, runningPostmaster } from './postmaster.js';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
const fast = { settings: { fsync: 'off' } };

/** For the whole file; a folder that any user can pass through. */
let root: string;
/** The package, compiled, for tests that need a process of their own. */
let compiled: string;

beforeAll(async () => {
  root = await mkdtemp(join(await realpath(tmpdir()), 'embedded postgres '));
  await chmod(root, 0o755);
  compiled = join(root, 'compiled');
  const project = fileURLToPath(new URL('../tsconfig.json', import.meta.url));
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const options = [
    '--composite',
    'false',
    '--declaration',
    'false',
    '--declarationMap',
    'false',
    '--incremental',
    'false',
  ];
  await run(process.execPath, [join(typescript, 'bin/tsc'), '-p', project, '--outDir', compiled, ...options]);
  await writeFile(join(compiled, 'package.json'), '{"type":"module"}');
  await run('chmod', ['-R', 'a+rX', compiled]);
});

afterAll(async () => {
  for (const name of await readdir(root)) {
    if (name !== 'compiled') await removeEmbeddedPostgres(join(root, name));
  }
  await rm(root, { recursive: true, force: true });
});

async function query(server: { url: string }, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function until<T>(what: string, check: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A process that starts the server, prints `{url, reused, pid}` or `{code, message, hint}`, and stays. */
async function startElsewhere(
  dataDirectory: string,
  options: { uid?: number; binariesDirectory?: string; detached?: boolean } = {},
): Promise<{ child: ChildProcess; answer: Record<string, unknown> }> {
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(pathToFileURL(join(compiled, 'index.js')).href)});
    setInterval(() => undefined, 1000);
    try {
      const { url, reused, pid } = await startEmbeddedPostgres(${JSON.stringify({
        dataDirectory,
        binariesDirectory: options.binariesDirectory ?? (await installedBinaries()).directory,
        ...fast,
      })});
      console.log(JSON.stringify({ url, reused, pid }));
    } catch ({ code, message, hint }) {
      console.log(JSON.stringify({ code, message, hint }));
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: options.detached ?? false,
    cwd: '/',
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return { child, answer: JSON.parse(line.toString('utf8')) as Record<string, unknown> };
}

async function killed(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const closed = once(child, 'close');
  child.kill(signal);
  await closed;
}

describe('a server of our own', () => {
  it('starts, keeps its data over a stop, and leaves no socket folder behind', async () => {
    const dataDirectory = join(root, 'plain');
    const first = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(first.reused).toBe(false);
    await query(first, 'create table kept as select 42 as answer');
    expect(await query(first, 'show listen_addresses')).toEqual([{ listen_addresses: '' }]);
    const socketDirectory = new URL(first.url).searchParams.get('host') ?? '';
    expect((await stat(socketDirectory)).mode & 0o777).toBe(0o700);
    await Promise.all([first.stop(), first.stop()]);
    await expect(stat(socketDirectory)).rejects.toThrow('ENOENT');
    expect(await isAlive(first.pid, clusterDirectory(dataDirectory))).toBe(false);

    const second = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(await query(second, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  it('stops while clients are connected', async () => {
    const server = await startEmbeddedPostgres({ dataDirectory: join(root, 'busy'), ...fast });
    const client = new Client({ connectionString: server.url });
    // The server's last word and the end of the connection are an error each.
    const lost = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    const sleeping = client.query('select pg_sleep(600)').catch((error: unknown) => error);
    await server.stop();
    expect(await sleeping).toBeInstanceOf(Error);
    await lost;
  });

  it('works under a path far longer than a socket may have', async () => {
    const dataDirectory = join(root, 'long', 'a folder with a long name'.repeat(4), 'another of them'.repeat(6));
    const server = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
  });

  it('refuses a second start, from this process and from another, and says who has it', async () => {
    const dataDirectory = join(root, 'twice');
    const server = await startEmbeddedPostgres({ dataDirectory, ...fast });
    const again = startEmbeddedPostgres({ dataDirectory, ...fast });
    await expect(again).rejects.toMatchObject({
      code: 'data-directory-in-use',
      message: expect.stringContaining(`pid ${process.pid}`),
    });
    const { child, answer } = await startElsewhere(dataDirectory);
    expect(answer).toMatchObject({ code: 'data-directory-in-use' });
    await killed(child);
    await server.stop();
  });

  it('lets exactly one of several starts at once win', async () => {
    const dataDirectory = join(root, 'race');
    const starts = await Promise.allSettled([1, 2, 3, 4].map(() => startEmbeddedPostgres({ dataDirectory, ...fast })));
    const won = starts.filter((start) => start.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const { value } of won) await value.stop();
  });

  it('says which version made the data when it is not this one', async () => {
    const dataDirectory = join(root, 'old');
    await mkdir(clusterDirectory(dataDirectory), { recursive: true });
    await writeFile(join(clusterDirectory(dataDirectory), 'PG_VERSION'), '17\n');
    if (isRoot) await chown(clusterDirectory(dataDirectory), 65534, 65534);
    await expect(startEmbeddedPostgres({ dataDirectory })).rejects.toMatchObject({
      code: 'version-mismatch',
      message: expect.stringContaining('PostgreSQL 17'),
    });
  });

  it('ends a start that failed with the last words of the log', async () => {
    const settings = { fsync: 'off', shared_buffers: 'plenty' };
    const start = startEmbeddedPostgres({ dataDirectory: join(root, 'unset'), settings });
    await expect(start).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    });
  });
});

describe('after a crash', () => {
  it('takes over the server of a parent that was killed, with its data, and can stop it', async () => {
    const dataDirectory = join(root, 'orphan');
    const { child, answer } = await startElsewhere(dataDirectory);
    expect(answer.reused).toBe(false);
    await query({ url: String(answer.url) }, 'create table kept as select 1 as one');
    await killed(child);

    const server = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(server).toMatchObject({ reused: true, pid: answer.pid, url: answer.url });
    expect(await query(server, 'select one from kept')).toEqual([{ one: 1 }]);
    await server.stop();
    expect(await isAlive(server.pid, clusterDirectory(dataDirectory))).toBe(false);
  });

  it('starts anew, with all that was committed, when the server was killed, though a child of it still works', async () => {
    const dataDirectory = join(root, 'crashed');
    const { child, answer } = await startElsewhere(dataDirectory);
    const first = { url: String(answer.url), pid: Number(answer.pid) };
    await query(first, 'create table kept as select 7 as seven');
    const client = new Client({ connectionString: first.url });
    client.on('error', () => undefined);
    await client.connect();
    // A child that is busy does not notice that the postmaster is gone.
    const busy = client.query('select count(*) from generate_series(1, 10000000000)').catch(() => undefined);
    await killed(child);
    process.kill(first.pid, 'SIGKILL');
    await until('the postmaster is gone', async () =>
      (await isAlive(first.pid, clusterDirectory(dataDirectory))) ? undefined : true,
    );

    const second = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(second.reused).toBe(false);
    expect(await query(second, 'select seven from kept')).toEqual([{ seven: 7 }]);
    await busy;
    await second.stop();
  });

  it('is not fooled by a pid file whose number is another process by now', async () => {
    const dataDirectory = join(root, 'recycled');
    await (await startEmbeddedPostgres({ dataDirectory, ...fast })).stop();
    const pidFile = join(clusterDirectory(dataDirectory), 'postmaster.pid');
    await writeFile(pidFile, `${process.pid}\n${clusterDirectory(dataDirectory)}\n1\n5432\n/nowhere\n\n`);
    if (isRoot) await chown(pidFile, 65534, 65534);
    const server = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(server.reused).toBe(false);
    await server.stop();
  });

  it('initialises from the start when that was killed half way', async () => {
    const dataDirectory = join(root, 'half');
    const starting = startElsewhere(dataDirectory, { detached: true });
    starting.catch(() => undefined);
    const partial = await until('initdb writes', async () =>
      (await readdir(dataDirectory).catch(() => [])).find((name) => name.startsWith('cluster.initialising-')),
    );
    await until('initdb has begun', async () =>
      (await readdir(join(dataDirectory, partial)).catch(() => [])).length > 0 ? true : undefined,
    );
    // The whole group: initdb and its parent, as when the machine is cut off.
    const holder = Number(await readFile(join(dataDirectory, 'lock'), 'utf8'));
    process.kill(-holder, 'SIGKILL');
    await until('the parent is gone', async () => {
      try {
        process.kill(holder, 0);
        return undefined;
      } catch {
        return true;
      }
    });

    const server = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await readdir(dataDirectory)).filter((name) => name.includes('initialising'))).toEqual([]);
    await server.stop();
  });

  it("does not hear the terminal's Ctrl-C", async () => {
    const dataDirectory = join(root, 'terminal');
    const { child, answer } = await startElsewhere(dataDirectory, { detached: true });
    const closed = once(child, 'close');
    process.kill(-(child.pid ?? 0), 'SIGINT');
    await closed;
    const server = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(server).toMatchObject({ reused: true, pid: answer.pid });
    await server.stop();
  });

  it('removes a left server with its data, but not one that is in use', async () => {
    const dataDirectory = join(root, 'removed');
    const { child, answer } = await startElsewhere(dataDirectory);
    await expect(removeEmbeddedPostgres(dataDirectory)).rejects.toMatchObject({ code: 'data-directory-in-use' });
    await killed(child);
    await removeEmbeddedPostgres(dataDirectory);
    await expect(stat(dataDirectory)).rejects.toThrow('ENOENT');
    expect(await isAlive(Number(answer.pid), clusterDirectory(dataDirectory))).toBe(false);
  });
});

describe.runIf(isRoot)('as root', () => {
  it('runs binaries from a folder that only root can enter through a copy of links, made once', async () => {
    const checkout = join(root, 'closed checkout');
    await mkdir(checkout, { mode: 0o700 });
    const installed = await installedBinaries();
    await cp(dirname(installed.directory), checkout, { recursive: true, verbatimSymlinks: true });
    const dataDirectory = join(root, 'from a closed checkout');
    const binariesDirectory = join(checkout, 'native');
    const server: EmbeddedPostgres = await startEmbeddedPostgres({ dataDirectory, binariesDirectory, ...fast });
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    const copy = join(dataDirectory, `binaries-${installed.version}`, 'bin/postgres');
    const { ino } = await stat(join(binariesDirectory, 'bin/postgres'));
    const made = await stat(copy);
    expect(made.ino).toBe(ino);
    await server.stop();
    await (await startEmbeddedPostgres({ dataDirectory, binariesDirectory, ...fast })).stop();
    expect((await stat(copy)).ctimeMs).toBe(made.ctimeMs);
    await rm(checkout, { recursive: true });
  });

  it('copies what a strict umask has left unreadable', async () => {
    const checkout = join(root, 'strict checkout');
    const installed = await installedBinaries();
    await cp(dirname(installed.directory), checkout, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'go-rwx', checkout]);
    const dataDirectory = join(root, 'from a strict checkout');
    const server = await startEmbeddedPostgres({ dataDirectory, binariesDirectory: join(checkout, 'native'), ...fast });
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    await server.stop();
    await rm(checkout, { recursive: true });
  });

  it('names the folder that the server cannot pass, and the way out', async () => {
    const closed = join(root, 'closed');
    await mkdir(closed, { mode: 0o700 });
    await expect(startEmbeddedPostgres({ dataDirectory: join(closed, 'data/postgres') })).rejects.toMatchObject({
      code: 'data-directory-unreachable',
      message: expect.stringContaining(`cannot enter ${closed},`),
      hint: expect.stringContaining(`chmod o+x '${closed}'`),
    });
    await rm(closed, { recursive: true });
  });

  it('is the same for an ordinary user, whose cluster root can start afterwards', async () => {
    const home = join(root, 'home');
    await mkdir(home, { mode: 0o700 });
    // The machine's initdb wants an account for the number; a plain Debian has `nobody`.
    await chown(home, 65534, 65534);
    const dataDirectory = join(home, 'postgres');
    const { child, answer } = await startElsewhere(dataDirectory, { uid: 65534 });
    expect(answer).toMatchObject({ reused: false });
    expect(await query({ url: String(answer.url) }, 'select 1 as one')).toEqual([{ one: 1 }]);
    await killed(child);
    const { child: next, answer: second } = await startElsewhere(dataDirectory, { uid: 65534 });
    expect(second).toMatchObject({ reused: true, pid: answer.pid });
    await killed(next);
    const server = await startEmbeddedPostgres({ dataDirectory, ...fast });
    expect(server.reused).toBe(true);
    await server.stop();
    await removeEmbeddedPostgres(dataDirectory);
    await rm(home, { recursive: true });
  });

  it('uses a server socket elsewhere when the temporary folder is closed to the server', async () => {
    const dataDirectory = join(root, 'closed temporary');
    const closed = join(root, 'closed-tmp');
    await mkdir(closed, { mode: 0o700 });
    const before = process.env.TMPDIR;
    process.env.TMPDIR = closed;
    try {
      const server = await startEmbeddedPostgres({ dataDirectory, ...fast });
      expect(new URL(server.url).searchParams.get('host')).toMatch(/^\/tmp\//);
      expect(await runningPostmaster(clusterDirectory(dataDirectory))).toMatchObject({ pid: server.pid });
      await server.stop();
      expect(await readdir(closed)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      await rm(closed, { recursive: true });
    }
  });
});
