import { cloneDatabase, type Template } from '@solstice/testing';
import { Client } from 'pg';
import { createLogger } from '../../../telemetry/index.js';
import type { StoreUnderTest } from '../../contract/scene.js';
import { migrate } from '../migrate.js';
import { createPostgresStore, type PostgresStoreSettings } from '../postgres-store.js';

/** A migrated database, empty. */
export const migrated: Template = {
  key: 'solstice',
  prepare: async (url) => {
    await migrate(url);
  },
};

export interface PostgresUnderTest extends StoreUnderTest {
  url: string;
  /** Past the store: what a test may look at, or do, that no process of ours does. */
  query<Row extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
  /** Another store on the same database, closed with the others. */
  open(settings?: Partial<PostgresStoreSettings>): Promise<StoreUnderTest['store']>;
}

/** Two stores on a database of their own. Their clock is this process's, moved on by `advance`. */
export async function postgresUnderTest(): Promise<PostgresUnderTest> {
  const database = await cloneDatabase(migrated);
  let offsetMs = 0;
  const clock = { now: () => new Date(Date.now() + offsetMs) };
  const logger = createLogger({ level: 'silent' });
  const stores: StoreUnderTest['store'][] = [];
  const open: PostgresUnderTest['open'] = async (settings = {}) => {
    const store = await createPostgresStore({ url: database.url, logger, clock, ...settings });
    stores.push(store);
    return store;
  };
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return {
    store: await open(),
    other: await open(),
    url: database.url,
    open,
    query: async <Row extends object>(text: string, values: unknown[] = []) =>
      (await client.query<Row>(text, values)).rows,
    advance: async (ms) => {
      offsetMs += ms;
    },
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await client.end();
      await database.drop();
    },
  };
}
