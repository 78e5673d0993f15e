import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SolsticeError } from '@solstice/common/errors';
import { copyData } from '@solstice/common/store';
import { openDataDirectory } from '../process/data-directory.js';
import { startDatabase } from '../process/open-store.js';
import type { RunningProcess } from '../process/run-process.js';
import { assertNotMoved, markMoved } from './moved-marker.js';

export interface MoveDataOptions {
  /** The address of the fleet's PostgreSQL. */
  to: string;
  print(line: string): void;
}

/**
 * Moves what `solstice up` keeps in its embedded database into the database of a fleet. What lies in the data directory
 * stays as it is; afterwards `solstice up` refuses to start there.
 */
export async function moveData(process: RunningProcess, options: MoveDataOptions): Promise<void> {
  const { settings, shutdown, logger, stopping } = process;
  const { to, print } = options;
  if (settings.databaseUrl !== undefined) {
    throw new SolsticeError('usage', 'these settings have a database_url: there is no embedded database to move', {
      hint: 'Give the settings that solstice up was started with. An own PostgreSQL needs no move: serve can go on with it.',
    });
  }
  const cluster = join(settings.dataDirectory, 'postgres', 'cluster');
  if (!existsSync(cluster)) {
    throw new SolsticeError('not-found', `there is no embedded database in ${settings.dataDirectory}`, {
      hint: 'Set data_dir (or SOLSTICE_DATA_DIR) as it was for solstice up.',
    });
  }
  const data = openDataDirectory(settings.dataDirectory);
  shutdown.add('data directory', () => data.release());
  assertNotMoved(data.postgres);
  const from = await startDatabase(data, shutdown, logger);
  print(`Moving the data of ${data.path}`);
  const rows = await copyData({
    from,
    to,
    signal: stopping,
    onTable: (table) => print(`  ${table.name.padEnd(20)} ${String(table.rows).padStart(10)} rows`),
  });
  markMoved(data.postgres, process.clock.now());
  print(`Moved: ${rows} rows, each table compared. What was here is untouched.

Now take along, to every node that needs it (docs/fleet.md):
  ${data.secretKeyFile}   secret_key_file of nodes with webhooks or api
  ${data.operatorTokenFile}   operator_token_file of nodes with api
This machine stays host "${settings.host.id}" with its running jobs if an orchestrator serves here with the same data_dir:
  solstice serve --roles orchestrator`);
}

/** The address in a file, so that no password stands in a list of processes. Throws `usage`. */
export function readTarget(file: string): string {
  let url: string;
  try {
    url = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SolsticeError('usage', `--to-file: ${file} cannot be read (${code})`);
  }
  if (!URL.canParse(url) || !/^postgres(ql)?:/.test(url)) {
    throw new SolsticeError(
      'usage',
      `--to-file: ${file} does not hold an address such as postgres://user:password@host/solstice`,
    );
  }
  return url;
}
