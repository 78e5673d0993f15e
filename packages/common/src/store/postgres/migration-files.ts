import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface MigrationFile {
  /** `000001_create_repositories_and_deliveries`: the file's name without its ending. */
  name: string;
  sha256: string;
  /** What its first line says: may processes of the version before go on with the schema that it makes? */
  olderCodeSurvives: boolean;
}

/** The words that a migration's first line has when processes of the version before have to be stopped first. */
const deadly = /^--[^\n]* does not survive /;

/** `migrations/` of this checkout: as far from `src/store/postgres` as from `dist/store/postgres`. */
export const defaultMigrationsDirectory = fileURLToPath(new URL('../../../../../migrations', import.meta.url));

/** In the order in which they are applied. */
export async function readMigrations(directory: string): Promise<MigrationFile[]> {
  const files = (await readdir(directory)).filter((name) => /^\d{6}_.+\.sql$/.test(name)).sort();
  return await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(directory, file), 'utf8');
      return {
        name: file.slice(0, -'.sql'.length),
        sha256: createHash('sha256').update(text).digest('hex'),
        olderCodeSurvives: !deadly.test(text),
      };
    }),
  );
}
