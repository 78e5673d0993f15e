import type { Client } from 'pg';

/** What migrations fill by themselves: the same in every database of one version. */
const filledByMigrations = ['schema_migrations', 'schema_hashes', 'legal_moves'];

export interface Table {
  name: string;
  columns: { name: string; type: string }[];
  /** Names of columns; rows are read in their order. */
  primaryKey: string[];
  /** Sequences that number its rows. */
  sequences: string[];
}

/** The tables with data of ours, each after those that it refers to. */
export async function dataTables(client: Client): Promise<Table[]> {
  const { rows: tables } = await client.query<Table>(
    `
    select c.relname as name,
      (
        select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum)
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      ) as columns,
      coalesce((
        select json_agg(a.attname order by k.position)
        from pg_index i, unnest(i.indkey::int2[]) with ordinality as k (attnum, position), pg_attribute a
        where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum
      ), '[]') as "primaryKey",
      coalesce((
        select json_agg(format('%I.%I', n.nspname, s.relname) order by s.relname)
        from pg_depend d join pg_class s on s.oid = d.objid and s.relkind = 'S'
          join pg_namespace n on n.oid = s.relnamespace
        where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid
          and d.deptype in ('a', 'i')
      ), '[]') as sequences
    from pg_class c
    where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and not c.relname = any ($1)
    order by c.relname`,
    [filledByMigrations],
  );
  const { rows: references } = await client.query<{ from: string; to: string }>(`
    select c.relname as "from", t.relname as "to"
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class t on t.oid = k.confrelid
    where k.contype = 'f' and c.relnamespace = current_schema()::regnamespace and k.conrelid <> k.confrelid`);
  return inOrderOfReferences(tables, references);
}

/** Without a cycle there is always one that refers to nothing that is still to come. */
function inOrderOfReferences(tables: readonly Table[], references: readonly { from: string; to: string }[]): Table[] {
  const ordered: Table[] = [];
  let left = [...tables];
  while (left.length > 0) {
    const names = new Set(left.map(({ name }) => name));
    const free = left.filter(({ name }) => !references.some(({ from, to }) => from === name && names.has(to)));
    if (free.length === 0) throw new Error(`tables refer to each other in a circle: ${[...names].join(', ')}`);
    ordered.push(...free);
    left = left.filter((table) => !free.includes(table));
  }
  return ordered;
}

export interface Contents {
  rows: number;
  /** Of all rows, in any order; the same text in two databases means the same rows. */
  checksum: string;
  /** Of the longest row as text. */
  longestBytes: number;
}

export async function contentsOf(client: Client, table: Table): Promise<Contents> {
  const { rows } = await client.query<{ rows: string; checksum: string; longest: string }>(`
    select count(*)::text as rows, coalesce(max(octet_length(line)), 0)::text as longest,
      coalesce(sum(('x' || substr(md5(line), 1, 15))::bit(60)::bigint), 0)::text as checksum
    from (select row(${namesOf(table)})::text as line from ${quote(table.name)}) as r`);
  const found = rows[0];
  return {
    rows: Number(found?.rows ?? 0),
    checksum: found?.checksum ?? '',
    longestBytes: Number(found?.longest ?? 0),
  };
}

export function namesOf(table: Table): string {
  return table.columns.map(({ name }) => quote(name)).join(', ');
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
