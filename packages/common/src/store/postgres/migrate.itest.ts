import { appendFile, cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { databaseFor, type Template, temporaryDirectory } from '@solstice/testing';
import { Client } from 'pg';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { legalMoves } from '../../flow/index.js';
import { migrate, migrationStatus } from './migrate.js';
import { defaultMigrationsDirectory, readMigrations } from './migration-files.js';
import { schemaDocument } from './schema-document.js';

const empty: Template = { key: 'empty', prepare: async () => undefined };

let url: string;
beforeEach(async (context) => {
  url = await databaseFor({ onTestFinished: (cleanUp) => context.onTestFinished(cleanUp) }, empty);
});

async function query(text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** A copy of the migrations that a test may change. */
async function ownDirectory(context: { onTestFinished(cleanUp: () => Promise<void>): void }): Promise<string> {
  const directory = await temporaryDirectory();
  context.onTestFinished(() => directory.remove());
  await cp(defaultMigrationsDirectory, directory.path, { recursive: true });
  return directory.path;
}

describe('migrate', () => {
  it('brings an empty database up to date, and then has nothing to do', async () => {
    const names = (await readMigrations(defaultMigrationsDirectory)).map(({ name }) => name);
    expect((await migrationStatus(url)).pending).toEqual(names);
    expect(await migrate(url)).toEqual(names);
    expect(await migrate(url)).toEqual([]);
    const status = await migrationStatus(url);
    expect(status).toMatchObject({ pending: [], unknown: [], edited: [] });
    expect(status.applied.map(({ name }) => name)).toEqual(names);
    expect(Math.abs(Date.now() - (status.applied[0]?.appliedAt.getTime() ?? 0))).toBeLessThan(60_000);
  });

  it('has one winner when several processes do it at once', async () => {
    const results = await Promise.all([1, 2, 3, 4].map(() => migrate(url)));
    expect(results.filter((applied) => applied.length > 0)).toHaveLength(1);
  });

  it('refuses a database when a migration that it has was edited', async (context) => {
    const directory = await ownDirectory(context);
    await migrate(url, { directory });
    await appendFile(join(directory, '000002_create_runs.sql'), '\n-- an afterthought\n');
    const refused = { code: 'migration-edited', message: expect.stringContaining('000002_create_runs') };
    await expect(migrate(url, { directory })).rejects.toMatchObject(refused);
    expect((await migrationStatus(url, { directory })).edited).toEqual(['000002_create_runs']);
  });

  it('refuses a database that a newer version has migrated', async (context) => {
    const directory = await ownDirectory(context);
    await writeFile(join(directory, '999999_from_the_future.sql'), 'create table future (id int);');
    await migrate(url, { directory });
    const refused = { code: 'schema-too-new', message: expect.stringContaining('999999_from_the_future') };
    await expect(migrate(url)).rejects.toMatchObject(refused);
  });

  it('goes on with the schema of a newer version where nodes are replaced one by one', async (context) => {
    const directory = await ownDirectory(context);
    await writeFile(join(directory, '999998_wider.sql'), '-- Older code survives it.\ncreate table wider (id int);');
    await migrate(url, { directory });
    const logger = { info: vi.fn(), warn: vi.fn() };
    expect(await migrate(url, { newer: 'tolerate', logger })).toEqual([]);
    expect(logger.warn).toHaveBeenCalledWith({ unknown: ['999998_wider'] }, expect.any(String));
    await writeFile(
      join(directory, '999999_other.sql'),
      '-- Older code does not survive it.\ncreate table other (id int);',
    );
    await migrate(url, { directory });
    const refused = { code: 'schema-too-new', message: expect.not.stringContaining('999998_wider') };
    await expect(migrate(url, { newer: 'tolerate' })).rejects.toMatchObject(refused);
    expect(await migrationStatus(url)).toMatchObject({
      unknown: ['999998_wider', '999999_other'],
      deadly: ['999999_other'],
    });
  });

  it('does not mix two versions that each have a migration of their own', async (context) => {
    const [ours, theirs] = [await ownDirectory(context), await ownDirectory(context)];
    await writeFile(join(theirs, '999998_theirs.sql'), '-- Older code survives it.\ncreate table theirs (id int);');
    await writeFile(join(ours, '999999_ours.sql'), '-- Older code survives it.\ncreate table ours (id int);');
    await migrate(url, { directory: theirs });
    const refused = { code: 'schema-too-new', message: expect.stringContaining('999998_theirs') };
    await expect(migrate(url, { directory: ours, newer: 'tolerate' })).rejects.toMatchObject(refused);
  });

  it('takes over what a version wrote that did not keep what survives', async () => {
    await migrate(url);
    await query('alter table schema_hashes drop column older_code_survives');
    expect((await migrationStatus(url)).unknown).toEqual([]);
    await query("insert into schema_migrations (name, run_on) values ('999999_future', now())");
    expect(await migrate(url, { newer: 'tolerate' })).toEqual([]);
  });

  it('keeps nothing of a migration that fails, and goes on once it is mended', async (context) => {
    const directory = await ownDirectory(context);
    const path = join(directory, '999999_broken.sql');
    await writeFile(path, 'create table half (id int); create table runs (id int);');
    const failed = { code: 'migration-failed', message: expect.stringContaining('"runs" already exists') };
    await expect(migrate(url, { directory })).rejects.toMatchObject(failed);
    expect((await migrationStatus(url, { directory })).pending).toEqual(['999999_broken']);
    expect(await query("select to_regclass('half') as half")).toEqual([{ half: null }]);
    await writeFile(path, 'create table half (id int);');
    expect(await migrate(url, { directory })).toEqual(['999999_broken']);
    await rm(path);
  });

  it('says that the database is not there', async () => {
    const nowhere = 'postgres:///postgres?host=/nowhere&user=solstice';
    await expect(migrate(nowhere)).rejects.toMatchObject({ code: 'database-unavailable', retryable: true });
  });
});

describe('the migrated schema', () => {
  it('is the one that migrations/schema.md describes', async () => {
    await migrate(url);
    const path = fileURLToPath(new URL('../../../../../migrations/schema.md', import.meta.url));
    await expect(await schemaDocument(url)).toMatchFileSnapshot(path);
  });

  it('has the moves of flow/states.ts, no more and no fewer', async () => {
    await migrate(url);
    const rows = await query('select machine, from_state as "from", to_state as "to" from legal_moves');
    const key = (move: Record<string, unknown>): string => `${move.machine} ${move.from} ${move.to}`;
    expect(rows.map(key).sort()).toEqual(legalMoves().map(key).sort());
  });
});
