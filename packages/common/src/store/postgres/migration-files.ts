import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface MigrationFile {
  /** `000001_create_repositories_and_deliveries`: the file's name without its ending. */
  name: string;
  sha256: string;
}

/** `migrations/` of this checkout: as far from `src/store/postgres` as from `dist/store/postgres`. */
export const defaultMigrationsDirectory = fileURLToPath(new URL('../../../../../migrations', import.meta.url));

/** In the order in which they are applied. */
export async function readMigrations(directory: string): Promise<MigrationFile[]> {
  const files = (await readdir(directory)).filter((name) => /^\d{6}_.+\.sql$/.test(name)).sort();
  return await Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -'.sql'.length),
      sha256: createHash('sha256')
        .update(await readFile(join(directory, file)))
        .digest('hex'),
    })),
  );
}
