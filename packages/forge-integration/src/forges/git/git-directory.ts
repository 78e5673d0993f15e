import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ForgeError } from '../forge-error.js';
import type { Git, GitRequest, GitResult } from './git-process.js';

/** A repository on this machine, and the way to run git in it. */
export interface GitDirectory {
  path: string;
  run(request: Omit<GitRequest, 'owner'>): Promise<GitResult>;
}

/** The path that a clone address names on this machine; undefined: it is elsewhere. */
export function localPathOf(cloneUrl: string): string | undefined {
  if (cloneUrl.startsWith('/')) return cloneUrl;
  if (cloneUrl.startsWith('file://')) return fileURLToPath(cloneUrl);
  return undefined;
}

/**
 * Opens a bare repository, or the `.git` of one with files. The git directory is always named on the command line, so
 * git takes it whoever owns it. As root, git runs as the repository's owner where that works: an object or ref made
 * by root would lock its owner out of the next push.
 */
export async function openGitDirectory(git: Git, path: string): Promise<GitDirectory> {
  const inner = join(path, '.git');
  const directory = (await exists(inner)) ? inner : path;
  let owner: { uid: number; gid: number } | undefined;
  try {
    const { uid, gid } = await stat(directory);
    if (process.getuid?.() === 0 && uid !== 0) owner = { uid, gid };
  } catch (cause) {
    throw new ForgeError('unavailable', `there is no repository at ${path}`, { cause });
  }
  const inDirectory = [`--git-dir=${directory}`];
  if (owner) {
    // Below another user's closed directory the owner does not even reach its own repository.
    const probe = await git({ args: [...inDirectory, 'rev-parse', '--git-dir'], owner });
    if (probe.exitCode !== 0) owner = undefined;
  }
  return {
    path: directory,
    run: (request) => git({ ...request, args: [...inDirectory, ...request.args], owner }),
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
