import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '@solstice/embedded-postgres';
import { tellWhere } from '../run-server/exchange.js';
import { leftBehind } from '../run-server/left-behind.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { databaseExchange } from './shared-database.js';

const prefix = 'solstice-test-database-';

/** For vitest's `globalSetup`: one PostgreSQL a test run, started when the first test asks for it, gone at the end. */
export default async function setup(): Promise<() => Promise<void>> {
  await removeLeftovers();
  const directory = await temporaryDirectory(`${prefix}${process.pid}-`);
  const dataDirectory = join(directory.path, 'postgres');
  let starting: Promise<EmbeddedPostgres> | undefined;
  const start = (): Promise<EmbeddedPostgres> => {
    starting ??= startEmbeddedPostgres({
      dataDirectory,
      // A test's data need not outlive the machine.
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
    });
    return starting;
  };
  const tellNoMore = await tellWhere(databaseExchange, directory.path, async () => (await start()).url);
  return async () => {
    await tellNoMore();
    await (await starting?.catch(() => undefined))?.stop();
    await directory.remove();
  };
}

/** Of runs that were killed: their servers went on. Those of live runs stay. */
async function removeLeftovers(): Promise<void> {
  for (const path of await leftBehind(prefix)) {
    try {
      await removeEmbeddedPostgres(join(path, 'postgres'));
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      // Another run that starts now is removing it.
      if (!(error instanceof EmbeddedPostgresError) || error.code !== 'data-directory-in-use') throw error;
    }
  }
}
