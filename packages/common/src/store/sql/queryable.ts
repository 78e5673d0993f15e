/** What a statement needs: a connection, in a transaction or not. Values are bound; `undefined` is null. */
export interface Queryable {
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export async function row<Row extends object>(
  db: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row | undefined> {
  const rows = await db.rows<Row>(text, values);
  if (rows.length > 1) throw new Error(`one row was expected, ${rows.length} came: ${text}`);
  return rows[0];
}

/** Ids of rows are numbers in the database and texts outside: what cannot be one finds nothing. */
export function isRowId(id: string): boolean {
  return /^[1-9]\d{0,17}$/.test(id);
}

export function isUuid(id: string): boolean {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id);
}

export function json(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

export function dateOf(unixMs: number | undefined): Date | null {
  return unixMs === undefined ? null : new Date(unixMs);
}
