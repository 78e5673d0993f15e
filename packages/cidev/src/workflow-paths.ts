import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { UsageError } from './io.js';

const exampleHint = 'A workflow is a file .solstice/<any name>.kdl; docs/workflow.md shows one.';

/**
 * The files that are meant: each path given, a directory standing for the workflows in it; without any, the
 * `.solstice/*.kdl` of the repository around `cwd`. Relative to `cwd`, each once. Throws a UsageError for what isn't there.
 */
export function findWorkflowFiles(paths: readonly string[], cwd: string): string[] {
  const found = paths.length === 0 ? inRepository(cwd) : named(paths, cwd);
  const seen = new Set<string>();
  return found
    .filter((file) => {
      const real = realpathSync(file);
      return seen.has(real) ? false : seen.add(real);
    })
    .map((file) => shown(file, cwd));
}

function named(paths: readonly string[], cwd: string): string[] {
  const missing = paths.filter((path) => status(resolve(cwd, path)) === undefined);
  if (missing.length > 0) {
    throw new UsageError(
      `there is no ${missing.map((path) => `"${path}"`).join(', no ')}`,
      'Name files or directories, or none for the .solstice/*.kdl of this repository.',
    );
  }
  return paths.flatMap((path) => {
    const full = resolve(cwd, path);
    const stats = status(full);
    if (stats?.isDirectory() !== true) {
      if (stats?.isFile() === true || stats?.isFIFO() === true) return [full];
      throw new UsageError(`"${path}" is not a file`, 'Name a file or a directory.');
    }
    const inside = join(full, '.solstice');
    const files = status(inside)?.isDirectory() === true ? workflowsIn(inside) : workflowsIn(full);
    if (files.length === 0) throw new UsageError(`there is no workflow in "${path}"`, exampleHint);
    return files;
  });
}

function inRepository(cwd: string): string[] {
  for (let directory = cwd; ; directory = dirname(directory)) {
    const inside = join(directory, '.solstice');
    const files = status(inside)?.isDirectory() === true ? workflowsIn(inside) : [];
    if (files.length > 0) return files;
    const isRoot = isRepository(directory);
    if (isRoot || dirname(directory) === directory) {
      throw new UsageError(
        `there is no .solstice/*.kdl in ${isRoot ? directory : 'this directory or above it'}`,
        exampleHint,
      );
    }
  }
}

/** A worktree or submodule has a file of this name. */
function isRepository(directory: string): boolean {
  return status(join(directory, '.git')) !== undefined;
}

/** Paths relative to `cwd` as others show them: from the root of the repository around it, with forward slashes. */
export function pathInRepository(cwd: string): (file: string) => string {
  let root = cwd;
  while (!isRepository(root) && dirname(root) !== root) root = dirname(root);
  if (!isRepository(root)) root = cwd;
  return (file) => relative(root, resolve(cwd, file)).split(sep).join('/');
}

function workflowsIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.kdl') && status(join(directory, name))?.isFile() === true)
    .sort()
    .map((name) => join(directory, name));
}

function status(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function shown(file: string, cwd: string): string {
  const short = relative(cwd, file);
  return short.startsWith('../../') ? file : short;
}
