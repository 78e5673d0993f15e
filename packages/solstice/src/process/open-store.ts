import type { Settings } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import { createPostgresStore, migrate, type Store } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import { EmbeddedPostgresError, startEmbeddedPostgres } from '@solstice/embedded-postgres';
import type { DataDirectory } from './data-directory.js';
import type { Shutdown } from './shutdown.js';

/** The embedded PostgreSQL, or the one of the settings, migrated and opened. */
export async function openStore(
  settings: Settings,
  data: DataDirectory,
  shutdown: Shutdown,
  logger: Logger,
): Promise<Store> {
  const url = settings.databaseUrl?.reveal() ?? (await startEmbedded(data, shutdown, logger));
  await migrate(url);
  const store = await createPostgresStore({ url, logger: logger.child({ part: 'store' }) });
  shutdown.add('store', () => store.close());
  return store;
}

async function startEmbedded(data: DataDirectory, shutdown: Shutdown, logger: Logger): Promise<string> {
  try {
    const postgres = await startEmbeddedPostgres({
      dataDirectory: data.postgres,
      logger: logger.child({ part: 'postgres' }),
    });
    shutdown.add('postgres', () => postgres.stop());
    return postgres.url;
  } catch (error) {
    if (!(error instanceof EmbeddedPostgresError)) throw error;
    const code = error.code === 'data-directory-in-use' ? error.code : 'database-start-failed';
    throw new SolsticeError(code, error.message, { cause: error, hint: error.hint });
  }
}
