import { Client } from 'pg';
import { SolsticeError } from '../../errors/index.js';
import { storeError } from '../postgres/errors.js';
import { migrate, migrationStatus } from '../postgres/migrate.js';
import { copyRows } from './copy-rows.js';
import { contentsOf, dataTables, quote } from './tables.js';

export interface CopyDataOptions {
  /** Nobody may write there meanwhile. Only read. */
  from: string;
  /** Migrated here; must hold no data. */
  to: string;
  /** Breaks off; nothing is kept then. */
  signal?: AbortSignal;
  /** A table is there, and its rows have been compared. */
  onTable?: (table: { name: string; rows: number }) => void;
}

/** So that both servers write the same text for the same value. */
const sessionSettings = `
  set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set bytea_output = 'hex';
  set extra_float_digits = 1; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0`;

/**
 * Copies all that one database holds into another, in one transaction there: all of it, compared row by row, or nothing.
 * Rejects with `refused` for a target that holds data, or a source of another version; `database-unavailable`.
 * Gives the number of rows.
 */
export async function copyData(options: CopyDataOptions): Promise<number> {
  const { pending, unknown } = await migrationStatus(options.from);
  if (pending.length > 0 || unknown.length > 0) {
    const others = [...pending, ...unknown].join(', ');
    throw new SolsticeError('refused', `the data to be moved is of another version of Solstice (${others})`, {
      hint: 'Start this version once with solstice up on it, which brings it up to date, and stop it again.',
    });
  }
  await migrate(options.to);
  return await withClient(options.from, options.signal, (from) =>
    withClient(options.to, options.signal, (to) => copyAll(from, to, options)),
  );
}

async function copyAll(from: Client, to: Client, options: CopyDataOptions): Promise<number> {
  await from.query('begin isolation level repeatable read read only');
  await to.query('begin');
  const tables = await dataTables(from);
  // Whoever else would write there waits, and finds it full; two moves at once have one winner.
  await to.query(`lock table ${tables.map(({ name }) => quote(name)).join(', ')} in exclusive mode`);
  await assertEmpty(to, tables);
  let all = 0;
  for (const table of tables) {
    const wanted = await contentsOf(from, table);
    await copyRows(from, to, table, wanted);
    const arrived = await contentsOf(to, table);
    if (arrived.rows !== wanted.rows || arrived.checksum !== wanted.checksum) {
      throw new SolsticeError(
        'internal',
        `table ${table.name} did not arrive as it was: ${wanted.rows} rows went, ${arrived.rows} came`,
        { hint: 'Nothing was kept. Please report it, with the version of the PostgreSQL that it went to.' },
      );
    }
    all += wanted.rows;
    options.onTable?.({ name: table.name, rows: wanted.rows });
  }
  await to.query('commit');
  // Else the first minutes' queries are planned for empty tables.
  await to.query('analyze');
  return all;
}

async function assertEmpty(to: Client, tables: readonly { name: string }[]): Promise<void> {
  const looks = tables.map(({ name }, index) => `select ${index} as n where exists (select from ${quote(name)})`);
  const { rows } = await to.query<{ n: number }>(looks.join(' union all '));
  if (rows.length === 0) return;
  const names = rows.map(({ n }) => tables[n]?.name).sort();
  throw new SolsticeError('refused', `the database to move to holds data already, in ${names.join(', ')}`, {
    hint: 'Move before the first node of the fleet starts. If it was moved before, it is whole: start the fleet. Else make an empty database.',
  });
}

async function withClient<T>(
  url: string,
  signal: AbortSignal | undefined,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: url });
  // Without a listener a lost connection would end the process; the query in hand rejects anyhow.
  client.on('error', () => undefined);
  const breakOff = () => void client.end();
  try {
    signal?.throwIfAborted();
    await client.connect();
    signal?.addEventListener('abort', breakOff, { once: true });
    await client.query(sessionSettings);
    return await use(client);
  } catch (error) {
    signal?.throwIfAborted();
    throw storeError(error);
  } finally {
    signal?.removeEventListener('abort', breakOff);
    await client.end().catch(() => undefined);
  }
}
