import { Client } from 'pg';

/** A migrated schema in words, the same for the same migrations: `migrations/schema.md`. */
export async function schemaDocument(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const text = async (query: string, ...values: string[]): Promise<string[]> =>
      (await client.query<{ line: string }>(query, values)).rows.map(({ line }) => line);
    const parts = [
      '# The schema',
      '',
      'What the migrations of this folder come to. Made by a test, which also compares: after a new migration run',
      '`npx vitest run --project integration packages/common/src/store/postgres/migrate -u`.',
      '',
    ];
    for (const table of await text(tables)) {
      parts.push(`## ${table}`, '', ...(await text(columns, table)), '');
      for (const [title, query] of Object.entries({ Constraints: constraints, Indexes: indexes, Triggers: triggers })) {
        const lines = await text(query, table);
        if (lines.length > 0) parts.push(`${title}:`, '', ...lines.map((line) => `- \`${line}\``), '');
      }
    }
    return `${parts.join('\n').trimEnd()}\n`;
  } finally {
    await client.end();
  }
}

const tables = `
  select relname as line from pg_class
  where relkind = 'r' and relnamespace = 'public'::regnamespace
  order by relname`;
const columns = `
  select '| column | type | |' as line, -1 as attnum
  union all select '|---|---|---|', 0
  union all
  select concat('| ', attname, ' | ', format_type(atttypid, atttypmod), ' | ', concat_ws(', ',
      case when attnotnull then 'not null' end,
      case attidentity when 'a' then 'identity' end,
      'default ' || pg_get_expr(adbin, adrelid)
    ), ' |'), attnum
  from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where attrelid = to_regclass($1) and attnum > 0 and not attisdropped
  order by attnum`;
const constraints = `
  select conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
  where conrelid = to_regclass($1) and contype <> 'n'
  order by conname`;
const indexes = `
  select replace(indexdef, 'public.', '') as line from pg_indexes
  where schemaname = 'public' and tablename = $1 and indexname not in (select conname from pg_constraint)
  order by indexname`;
const triggers = `
  select replace(pg_get_triggerdef(oid), 'public.', '') as line from pg_trigger
  where tgrelid = to_regclass($1) and not tgisinternal
  order by tgname`;
