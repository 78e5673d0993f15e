import { setTimeout as delay } from 'node:timers/promises';
import { SolsticeError } from '@solstice/common/errors';
import { createPostgresStore, type MigrateOptions, migrate, type Store } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import { EmbeddedPostgresError, startEmbeddedPostgres } from '@solstice/embedded-postgres';
import type { DataDirectory } from './data-directory.js';
import type { Shutdown } from './shutdown.js';

export interface OpenStoreOptions {
  url: string;
  /** What a schema that a newer version migrated means; see migrate(). */
  newer: NonNullable<MigrateOptions['newer']>;
  shutdown: Shutdown;
  logger: Logger;
}

/** Migrates the database and opens it. Several at once: one migrates, the others wait for it. */
export async function openStore({ url, newer, shutdown, logger }: OpenStoreOptions): Promise<Store> {
  const child = logger.child({ part: 'store' });
  await migrate(url, { newer, logger: child });
  const store = await createPostgresStore({ url, logger: child });
  shutdown.add('store', () => store.close());
  return store;
}

/** The embedded PostgreSQL of this data directory; its address. */
export async function startDatabase(data: DataDirectory, shutdown: Shutdown, logger: Logger): Promise<string> {
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

const MOST_PAUSE_MS = 5_000;

/**
 * Does it again, with growing pauses, for as long as the failure is one that passes: the nodes of a fleet start in any
 * order. `onWait` hears why. Rejects with any other failure, and when aborted.
 */
export async function untilThere<T>(
  call: () => Promise<T>,
  signal: AbortSignal,
  onWait: (error: SolsticeError) => void,
): Promise<T> {
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, MOST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof SolsticeError && error.retryable)) throw error;
      onWait(error);
    }
    await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { signal });
  }
}
