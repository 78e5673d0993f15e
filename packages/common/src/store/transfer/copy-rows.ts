import type { Client } from 'pg';
import { type Contents, namesOf, quote, type Table } from './tables.js';

/** As much text as is held at once, roughly: a delivery may have 25 MB. */
const BATCH_BYTES = 8 * 1024 * 1024;
const MOST_ROWS = 2_000;

/**
 * Copies a table's rows, inside the transactions that both clients have open. Every value travels as PostgreSQL's own
 * text for it, because a date of JavaScript has no microseconds and a number no 64 bits.
 */
export async function copyRows(from: Client, to: Client, table: Table, contents: Contents): Promise<void> {
  const values = table.columns.map(({ name }) => `${quote(name)}::text`).join(', ');
  // A row may refer to an earlier one of its own table.
  const order = table.primaryKey.length === 0 ? '' : `order by ${table.primaryKey.map(quote).join(', ')}`;
  await from.query(`declare rows_to_copy no scroll cursor for select ${values} from ${quote(table.name)} ${order}`);
  const most = Math.max(1, Math.min(MOST_ROWS, Math.floor(BATCH_BYTES / Math.max(1, contents.longestBytes))));
  const insert = insertOf(table);
  for (;;) {
    const { rows } = await from.query<(string | null)[]>({
      text: `fetch ${most} from rows_to_copy`,
      rowMode: 'array',
    });
    if (rows.length === 0) break;
    await to.query(
      insert,
      table.columns.map((_, column) => rows.map((row) => row[column] ?? null)),
    );
  }
  await from.query('close rows_to_copy');
  for (const sequence of table.sequences) await copySequence(from, to, sequence);
}

function insertOf(table: Table): string {
  const letters = table.columns.map((_, index) => `c${index}`);
  const typed = table.columns.map(({ type }, index) => `c${index}::${type}`);
  const parameters = letters.map((_, index) => `$${index + 1}::text[]`);
  return `insert into ${quote(table.name)} (${namesOf(table)}) overriding system value
    select ${typed.join(', ')} from unnest(${parameters.join(', ')}) as r (${letters.join(', ')})`;
}

async function copySequence(from: Client, to: Client, sequence: string): Promise<void> {
  const { rows } = await from.query<{ last_value: string; is_called: boolean }>(
    `select last_value::text, is_called from ${sequence}`,
  );
  await to.query('select setval($1::regclass, $2::bigint, $3)', [sequence, rows[0]?.last_value, rows[0]?.is_called]);
}
