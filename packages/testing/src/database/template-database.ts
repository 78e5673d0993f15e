import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { askAddress } from './shared-database.js';

export interface Template {
  /** Names the template within a test run: the same key must mean the same content. */
  key: string;
  /** Fills an empty database, once a run. Must have closed its connections when the promise settles. */
  prepare: (url: string) => Promise<void>;
}

export interface TestDatabase extends AsyncDisposable {
  url: string;
  /** On a connection of its own: what a test may look at, or do, that no process of ours does. */
  query<Row extends object>(text: string): Promise<Row[]>;
  /** Cuts off whoever is connected. Idempotent. */
  drop(): Promise<void>;
}

/** A database of one's own: a clone of the template, on the server of the test run. Any number at once, from any worker. */
export async function cloneDatabase(template: Template): Promise<TestDatabase> {
  const server = await askAddress();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await withClient(server, async (client) => {
    const source = await ensureTemplate(client, server, template);
    // Nobody is ever connected to a template, so any number of clones can be made of it at once.
    await client.query(`create database ${name} template ${source} strategy file_copy`);
  });
  const drop = async (): Promise<void> => {
    await withClient(server, (client) => client.query(`drop database if exists ${name} with (force)`));
  };
  const url = databaseUrl(server, name);
  const query = <Row extends object>(text: string): Promise<Row[]> =>
    withClient(url, async (client) => (await client.query<Row>(text)).rows);
  return { url, query, drop, [Symbol.asyncDispose]: drop };
}

/** What a vitest test's context has. */
export interface TestContext {
  onTestFinished(cleanUp: () => Promise<void>): void;
}

/** A clone for one test, dropped after it: `it('…', async (context) => { const url = await databaseFor(context, schema); … })`. */
export async function databaseFor(context: TestContext, template: Template): Promise<string> {
  const database = await cloneDatabase(template);
  context.onTestFinished(() => database.drop());
  return database.url;
}

async function ensureTemplate(client: Client, server: string, template: Template): Promise<string> {
  const hash = createHash('sha256').update(template.key).digest('hex').slice(0, 12);
  const name = `template_${hash}`;
  // Session lock: of all workers one prepares, the others wait. A killed one lets go, and what it left is made again.
  await client.query('select pg_advisory_lock(hashtext($1))', [name]);
  try {
    const { rows } = await client.query('select datistemplate from pg_database where datname = $1', [name]);
    if (rows[0]?.datistemplate === true) return name;
    await client.query(`drop database if exists ${name} with (force)`);
    await client.query(`create database ${name}`);
    await template.prepare(databaseUrl(server, name));
    await client.query(`alter database ${name} is_template true allow_connections false`);
    return name;
  } finally {
    await client.query('select pg_advisory_unlock(hashtext($1))', [name]);
  }
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.toString();
}
