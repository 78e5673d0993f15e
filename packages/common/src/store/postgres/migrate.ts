import { runner } from 'node-pg-migrate';
import { Client } from 'pg';
import { SolsticeError, toError } from '../../errors/index.js';
import type { Logger } from '../../telemetry/index.js';
import { storeError } from './errors.js';
import { defaultMigrationsDirectory, type MigrationFile, readMigrations } from './migration-files.js';

export interface MigrateOptions {
  /** Default: `migrations/` of this checkout. */
  directory?: string;
  /**
   * What a database means that a newer version has migrated. `refuse` (default): `schema-too-new`. `tolerate`, for
   * processes that are restarted one by one: it is left as it is, and refused only if one of the migrations that are not
   * known here says that older code does not survive it.
   */
  newer?: 'refuse' | 'tolerate';
  logger?: Pick<Logger, 'info' | 'warn'>;
}

export interface MigrationStatus {
  applied: { name: string; appliedAt: Date }[];
  /** In the directory and not in the database: what `migrate` would apply. */
  pending: string[];
  /** In the database and not in the directory: a newer Solstice was here. */
  unknown: string[];
  /** Those of them that say of themselves that older code does not survive them. */
  deadly: string[];
  /** Applied, and with another text in the directory now. */
  edited: string[];
}

const migrationsTable = 'schema_migrations';
/** Any number; the same in every process that migrates. Ours holds round the tool's own lock, so that hashes are written under it too. */
const lockKey = 0x50_15_71_ce;

/**
 * Brings the schema up to date; nothing to do is no error. Any number of processes at once: one does it, the others
 * wait. Each migration is one transaction: of a failed one nothing is kept, those before it stay.
 * Rejects with `migration-edited`, `schema-too-new`, `migration-failed`, `database-unavailable`. Answers what was applied.
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<string[]> {
  const directory = options.directory ?? defaultMigrationsDirectory;
  const files = await readMigrations(directory);
  return await withClient(url, async (client) => {
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    await client.query(`
      create table if not exists schema_hashes (
        name text primary key,
        sha256 text not null,
        applied_at timestamptz not null default now()
      )`);
    await client.query('alter table schema_hashes add column if not exists older_code_survives boolean');
    const status = await compare(client, files);
    assertUsable(status, options.newer ?? 'refuse');
    if (status.unknown.length > 0) {
      const message = 'a newer version has migrated the database; this one goes on with it until it is replaced';
      options.logger?.warn({ unknown: status.unknown }, message);
    }
    let applied: { name: string }[] = [];
    if (status.pending.length > 0) {
      try {
        applied = await runner({
          dbClient: client,
          dir: directory,
          ignorePattern: '(?!\\d{6}_.+\\.sql$).*',
          direction: 'up',
          migrationsTable,
          advisoryLockMode: 'wait',
          log: () => undefined,
        });
      } catch (error) {
        // The tool leaves the transaction that failed open.
        await client.query('rollback');
        await rememberHashes(client, files);
        const cause = toError(error);
        throw new SolsticeError('migration-failed', `a migration failed: ${cause.message}`, { cause });
      }
    }
    await rememberHashes(client, files);
    for (const { name } of applied) options.logger?.info({ migration: name }, 'migration applied');
    return applied.map(({ name }) => name);
  });
}

/** How the database's schema stands to the directory. Changes nothing. Rejects with `database-unavailable`. */
export async function migrationStatus(url: string, options: MigrateOptions = {}): Promise<MigrationStatus> {
  const files = await readMigrations(options.directory ?? defaultMigrationsDirectory);
  return await withClient(url, (client) => compare(client, files));
}

async function compare(client: Client, files: readonly MigrationFile[]): Promise<MigrationStatus> {
  const { rows: tables } = await client.query<{ migrations: boolean; hashes: boolean }>(
    `select to_regclass('${migrationsTable}') is not null as migrations, to_regclass('schema_hashes') is not null as hashes`,
  );
  const applied = tables[0]?.migrations
    ? (
        await client.query<{ name: string; run_on: Date }>(
          `select name, run_on at time zone 'UTC' as run_on from ${migrationsTable} order by id`,
        )
      ).rows
    : [];
  // By way of JSON: the column may not be there yet, and this changes nothing.
  const hashes = tables[0]?.hashes
    ? (
        await client.query<{ name: string; sha256: string; survived: string | null }>(
          "select name, sha256, to_json(h) ->> 'older_code_survives' as survived from schema_hashes h",
        )
      ).rows
    : [];
  const known = new Map(files.map(({ name, sha256 }) => [name, sha256]));
  const inDatabase = new Set(applied.map(({ name }) => name));
  return {
    applied: applied.map(({ name, run_on }) => ({ name, appliedAt: run_on })),
    pending: files.map(({ name }) => name).filter((name) => !inDatabase.has(name)),
    unknown: applied.map(({ name }) => name).filter((name) => !known.has(name)),
    deadly: hashes.filter(({ name, survived }) => !known.has(name) && survived === 'false').map(({ name }) => name),
    edited: hashes
      .filter(({ name, sha256 }) => known.has(name) && known.get(name) !== sha256)
      .map(({ name }) => name)
      .sort(),
  };
}

/** Of all that is applied: also what was applied by a process that died before it came to this. */
async function rememberHashes(client: Client, files: readonly MigrationFile[]): Promise<void> {
  await client.query(
    `insert into schema_hashes (name, sha256, older_code_survives)
     select f.name, f.sha256, f.older_code_survives
     from unnest($1::text[], $2::text[], $3::boolean[]) as f (name, sha256, older_code_survives)
       join ${migrationsTable} m on m.name = f.name
     on conflict (name) do nothing`,
    [
      files.map(({ name }) => name),
      files.map(({ sha256 }) => sha256),
      files.map(({ olderCodeSurvives }) => olderCodeSurvives),
    ],
  );
}

function assertUsable(status: MigrationStatus, newer: 'refuse' | 'tolerate'): void {
  const refused = newer === 'refuse' || status.pending.length > 0 ? status.unknown : status.deadly;
  if (refused.length > 0) {
    throw new SolsticeError('schema-too-new', `the database has ${refused.join(', ')}, which is not known here`);
  }
  if (status.edited.length > 0) {
    throw new SolsticeError('migration-edited', `${status.edited.join(', ')} was changed after it had been applied`);
  }
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  // Without a listener a lost connection would end the process; the query in hand rejects anyhow.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw storeError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}
