import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Binaries, program } from './binaries.js';
import { EmbeddedPostgresError, errnoOf } from './errors.js';
import { runAs, type ServerUser } from './server-user.js';

const initialising = 'cluster.initialising-';

/** PostgreSQL's own data directory, inside ours. */
export function clusterDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'cluster');
}

/** The major version that made the cluster; undefined: there is none yet. */
export async function clusterMajor(dataDirectory: string): Promise<string | undefined> {
  try {
    return (await readFile(join(clusterDirectory(dataDirectory), 'PG_VERSION'), 'utf8')).trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Under the directory's lock. A cluster appears whole, by a rename; what a killed initdb left is swept away first. */
export async function ensureCluster(
  dataDirectory: string,
  binaries: Binaries,
  major: string,
  user: ServerUser,
  options: { synced: boolean },
): Promise<void> {
  for (const name of await readdir(dataDirectory)) {
    // A killed parent's initdb may still be writing: removing is tried again until it has noticed.
    if (name.startsWith(initialising)) {
      await rm(join(dataDirectory, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    }
  }
  const found = await clusterMajor(dataDirectory);
  if (found !== undefined && found !== major) {
    throw new EmbeddedPostgresError(
      'version-mismatch',
      `the database in ${dataDirectory} was made by PostgreSQL ${found}, and this is PostgreSQL ${major}`,
      'Start the Solstice that made it, take a backup there, and restore it into a new data directory.',
    );
  }
  if (found !== undefined) return;
  const partial = join(dataDirectory, `${initialising}${randomBytes(4).toString('hex')}`);
  await mkdir(partial, { mode: 0o700 });
  await chmod(partial, 0o700);
  if (user.switched) await chown(partial, user.uid, user.gid);
  const { exitCode, output } = await runAs(
    user,
    program(binaries, 'initdb'),
    [
      `--pgdata=${partial}`,
      '--username=solstice',
      '--auth=trust',
      '--encoding=UTF8',
      // The same order of texts on every machine, whatever its C library thinks.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--no-instructions',
      ...(options.synced ? [] : ['--no-sync']),
    ],
    { cwd: dataDirectory, timeoutMs: 180_000 },
  );
  if (exitCode !== 0) {
    await rm(partial, { recursive: true, force: true });
    throw new EmbeddedPostgresError(
      'initialisation-failed',
      `initdb ended with exit code ${exitCode}: ${output.trim().split('\n').slice(-5).join('; ')}`,
      'Mend what it names (room on the disk, the rights of the folder) and start again; nothing of it was kept.',
    );
  }
  await rename(partial, clusterDirectory(dataDirectory));
}
