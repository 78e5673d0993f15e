import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SolsticeError } from '@solstice/common/errors';

/** Beside the embedded database. The data itself is not touched: without this file it is as good as before. */
const fileName = 'moved-to-a-fleet';

/** Throws `refused` if the data was moved: two installations would both run its jobs and report them. */
export function assertNotMoved(postgresDirectory: string): void {
  const file = join(postgresDirectory, fileName);
  if (!existsSync(file)) return;
  throw new SolsticeError('refused', `the data was moved to a fleet: ${readFileSync(file, 'utf8').trim()}`, {
    hint: `Start solstice serve instead. If the fleet is given up for what this was at that time: remove ${file}`,
  });
}

export function markMoved(postgresDirectory: string, at: Date): void {
  writeFileSync(join(postgresDirectory, fileName), `${at.toISOString()}\n`, { mode: 0o600, flush: true });
}
