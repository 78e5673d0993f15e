import { readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EmbeddedPostgres,
  EmbeddedPostgresError,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '@solstice/embedded-postgres';
import { temporaryDirectory } from '../temporary-directory.js';
import { exchangeVariable, serveAddress } from './server-exchange.js';

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
  const exchange = join(directory.path, 'exchange');
  const server = await serveAddress(exchange, async () => (await start()).url);
  process.env[exchangeVariable] = exchange;
  return async () => {
    delete process.env[exchangeVariable];
    await new Promise((resolve) => server.close(resolve));
    await (await starting?.catch(() => undefined))?.stop();
    await directory.remove();
  };
}

/** Of runs that were killed: their servers went on. Those of live runs stay. */
async function removeLeftovers(): Promise<void> {
  const parent = await realpath(tmpdir());
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix) || isProcess(Number(name.slice(prefix.length).split('-')[0]))) continue;
    try {
      await removeEmbeddedPostgres(join(parent, name, 'postgres'));
      await rm(join(parent, name), { recursive: true, force: true });
    } catch (error) {
      // Another run that starts now is removing it.
      if (!(error instanceof EmbeddedPostgresError) || error.code !== 'data-directory-in-use') throw error;
    }
  }
}

function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
