import { cloneDatabase, type Template } from '@solstice/testing';
import { createLogger } from '../../telemetry/index.js';
import { describeStoreContract } from '../contract/describe-store-contract.js';
import { migrate } from './migrate.js';
import { createPostgresStore } from './postgres-store.js';

const migrated: Template = {
  key: 'solstice',
  prepare: async (url) => {
    await migrate(url);
  },
};

describeStoreContract('postgres', async () => {
  const database = await cloneDatabase(migrated);
  let offsetMs = 0;
  const clock = (): Date => new Date(Date.now() + offsetMs);
  const logger = createLogger({ level: 'silent' });
  const store = await createPostgresStore({ url: database.url, logger, clock });
  const other = await createPostgresStore({ url: database.url, logger, clock });
  return {
    store,
    other,
    advance: async (ms) => {
      offsetMs += ms;
    },
    close: async () => {
      await Promise.all([store.close(), other.close()]);
      await database.drop();
    },
  };
});
