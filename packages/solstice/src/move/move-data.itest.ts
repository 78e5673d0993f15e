import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@solstice/common/clock';
import { parseSettings } from '@solstice/common/config';
import { createPostgresStore, migrate } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { startEmbeddedPostgres } from '@solstice/embedded-postgres';
import { databaseFor, temporaryDirectory } from '@solstice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataDirectory } from '../process/data-directory.js';
import { Health } from '../process/health.js';
import type { RunningProcess } from '../process/run-process.js';
import { Shutdown } from '../process/shutdown.js';
import { up } from '../up/up.js';
import { moveData, readTarget } from './move-data.js';

const logger = createLogger({ level: 'silent' });
const empty = { key: 'empty', prepare: async () => undefined };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let shutdowns: Shutdown[];
beforeEach(async () => {
  directory = await temporaryDirectory();
  shutdowns = [];
});
afterEach(async () => {
  for (const shutdown of shutdowns) await shutdown.run();
  await directory.remove();
});

function processOf(text = ''): RunningProcess {
  const machine = { cpus: 1, memoryBytes: 1e9, hostname: 'alder', uid: 0, home: directory.path };
  const shutdown = new Shutdown(logger);
  shutdowns.push(shutdown);
  return {
    settings: parseSettings(`data_dir "data"\n${text}`, join(directory.path, 'solstice.kdl'), {}, machine),
    logger,
    shutdown,
    health: new Health(),
    clock: systemClock,
    stopping: new AbortController().signal,
    crashed: () => undefined,
  };
}

/** As a stopped `solstice up` leaves it. */
async function singleNode(): Promise<void> {
  const postgres = await startEmbeddedPostgres({ dataDirectory: join(directory.path, 'data', 'postgres') });
  await migrate(postgres.url);
  const store = await createPostgresStore({ url: postgres.url, logger });
  await store.repositories.upsert({
    forge: 'local',
    forgeRepositoryId: undefined,
    name: 'app',
    cloneUrl: '/srv/git/app.git',
    defaultBranch: 'main',
    sealedWebhookSecret: undefined,
    origin: 'operator',
  });
  await store.close();
  await postgres.stop();
}

async function move(running: RunningProcess, to: string): Promise<string> {
  const lines: string[] = [];
  try {
    await moveData(running, { to, print: (line) => lines.push(line) });
  } finally {
    await running.shutdown.run();
  }
  return lines.join('\n');
}

test('says what it moved and what to take along; then up does not start there any more', async (context) => {
  await singleNode();
  const to = await databaseFor(context, empty);
  const said = await move(processOf(), to);
  expect(said).toMatch(/repositories +1 rows/);
  expect(said).toContain(join(directory.path, 'data', 'secret.key'));

  const store = await createPostgresStore({ url: to, logger });
  expect(await store.repositories.list()).toMatchObject([{ name: 'app', cloneUrl: '/srv/git/app.git' }]);
  await store.close();

  await expect(move(processOf(), to)).rejects.toMatchObject({ code: 'refused', hint: /solstice serve/ });
  const starting = processOf('listen "127.0.0.1:0"\noperator_listen "127.0.0.1:0"\nhost backend="process"');
  await expect(up(starting, { version: '0', dev: true, ephemeral: true })).rejects.toMatchObject({ code: 'refused' });
});

test('does not touch data that a process works on, and asks for what is missing', async (context) => {
  const to = await databaseFor(context, empty);
  await expect(move(processOf(), to)).rejects.toMatchObject({ code: 'not-found' });
  mkdirSync(join(directory.path, 'data', 'postgres', 'cluster'), { recursive: true });
  const inUse = openDataDirectory(join(directory.path, 'data'));
  await expect(move(processOf(), to)).rejects.toMatchObject({ code: 'data-directory-in-use' });
  inUse.release();
  await expect(move(processOf('database_url "postgres://u@db/solstice"'), to)).rejects.toMatchObject({ code: 'usage' });
});

test('the target is read from a file, and never shown', () => {
  const file = join(directory.path, 'url');
  writeFileSync(file, 'postgres://u:hunter2@db/solstice\n');
  expect(readTarget(file)).toBe('postgres://u:hunter2@db/solstice');
  writeFileSync(file, 'hunter2');
  expect(() => readTarget(file)).toThrow(/--to-file: .*url does not hold an address/);
  expect(() => readTarget(file)).not.toThrow(/hunter2/);
  expect(() => readTarget(join(directory.path, 'gone'))).toThrow(/ENOENT/);
});
