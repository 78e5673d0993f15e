import { createHash } from 'node:crypto';
import { appendFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Serial } from '../../serial.js';
import { ForgeError } from '../forge-error.js';
import { type GitDirectory, openGitDirectory } from './git-directory.js';
import { NOTES_REF } from './git-note.js';
import { failed, hasCommit } from './git-objects.js';
import { complaint, type Git, withoutCredentials } from './git-process.js';

const MAX_CACHE_KIB = 256 * 1024;

/**
 * A small bare repository for each remote address, so that commits there can be read and notes be pushed. Only a
 * cache: it is thrown away when it grows, and when git finds it broken.
 */
export class RemoteCache {
  readonly #git: Git;
  readonly #directory: string;
  readonly #turns = new Serial();

  constructor(git: Git, directory: string) {
    this.#git = git;
    this.#directory = directory;
  }

  /** Calls `use` with the cache of the address, alone in this process. */
  async with<T>(url: string, use: (directory: GitDirectory) => Promise<T>): Promise<T> {
    const path = join(this.#directory, `${createHash('sha256').update(url).digest('hex').slice(0, 32)}.git`);
    return this.#turns.run(path, async () => use(await this.#open(path, url)));
  }

  async #open(path: string, url: string): Promise<GitDirectory> {
    const made = await openGitDirectory(this.#git, path).catch(() => undefined);
    if (made) {
      const size = await made.run({ args: ['count-objects', '-v'] });
      const kib = [...size.stdout.toString('utf8').matchAll(/^(?:size|size-pack): (\d+)$/gm)].reduce(
        (sum, m) => sum + Number(m[1]),
        0,
      );
      const remote = await made.run({ args: ['config', '--get', 'remote.origin.url'] });
      if (size.exitCode === 0 && remote.exitCode === 0 && kib <= MAX_CACHE_KIB) return made;
      await rm(path, { recursive: true, force: true });
    }
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const init = await this.#git({ args: ['init', '--quiet', '--bare', path] });
    if (init.exitCode !== 0) throw new ForgeError('unavailable', `git init in ${this.#directory}: ${complaint(init)}`);
    // Through the file and not a command line, where everybody on the machine could read a token in the address.
    const quoted = url.replace(/[\\"]/g, '\\$&').replace(/\n/g, '');
    await appendFile(join(path, 'config'), `[gc]\n\tauto = 0\n[remote "origin"]\n\turl = "${quoted}"\n`, {
      mode: 0o600,
    });
    return openGitDirectory(this.#git, path);
  }
}

/** Makes sure that the commit is in the cache. By its id first: that also finds one that was force-pushed away. */
export async function fetchCommit(
  directory: GitDirectory,
  url: string,
  commit: string,
  signal: AbortSignal,
): Promise<void> {
  if (await hasCommit(directory, commit, signal)) return;
  const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head'];
  const byId = await directory.run({ args: [...fetch, '--depth=1', 'origin', commit], timeoutMs: 120_000, signal });
  if (byId.exitCode === 0 && (await hasCommit(directory, commit, signal))) return;
  const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
  const all = await directory.run({ args: [...fetch, 'origin', ...refs], timeoutMs: 300_000, signal });
  if (all.exitCode !== 0)
    throw new ForgeError('unavailable', `fetching from ${withoutCredentials(url)}: ${complaint(all)}`);
  if (await hasCommit(directory, commit, signal)) return;
  throw new ForgeError('commit-gone', `commit ${commit} is not (any more) at ${withoutCredentials(url)}`);
}

/** Tries to have these commits with all that led to them, which a comparison needs. One that is gone there stays away. */
export async function fetchHistory(
  directory: GitDirectory,
  url: string,
  commits: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head'];
  // What was fetched alone before is shallow, and would end the history there.
  const shallow = await directory.run({ args: ['rev-parse', '--is-shallow-repository'], signal });
  const deepen = shallow.stdout.toString('utf8').trim() === 'true' ? ['--unshallow'] : [];
  const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
  const all = await directory.run({ args: [...fetch, ...deepen, 'origin', ...refs], timeoutMs: 300_000, signal });
  if (all.exitCode !== 0)
    throw new ForgeError('unavailable', `fetching from ${withoutCredentials(url)}: ${complaint(all)}`);
  for (const commit of commits) {
    if (await hasCommit(directory, commit, signal)) continue;
    await directory.run({ args: [...fetch, 'origin', commit], timeoutMs: 120_000, signal });
  }
}

/** What the ref leads to there, now. */
export async function remoteRef(
  directory: GitDirectory,
  ref: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const listed = await directory.run({ args: ['ls-remote', 'origin', ref, `${ref}^{}`], signal });
  if (listed.exitCode !== 0) throw failed(directory, listed);
  const found = new Map(
    listed.stdout
      .toString('utf8')
      .split('\n')
      .map((line) => line.split('\t') as [string, string])
      .map(([commit, name]) => [name, commit]),
  );
  return found.get(`${ref}^{}`) ?? found.get(ref);
}

/** The branch that HEAD names there. */
export async function remoteHead(directory: GitDirectory, signal: AbortSignal): Promise<string | undefined> {
  const listed = await directory.run({ args: ['ls-remote', '--symref', 'origin', 'HEAD'], signal });
  if (listed.exitCode !== 0) throw failed(directory, listed);
  return /^ref: (\S+)\tHEAD$/m.exec(listed.stdout.toString('utf8'))?.[1];
}

/** Takes the notes from there, has them changed, and pushes; again while others push in between. */
export async function changeRemoteNotes(
  directory: GitDirectory,
  url: string,
  change: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let last = '';
  for (let attempt = 0; attempt < 10; attempt++) {
    const there = await remoteRef(directory, NOTES_REF, signal);
    const fetched =
      there === undefined
        ? await directory.run({ args: ['update-ref', '-d', NOTES_REF], signal })
        : await directory.run({
            args: ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', 'origin', `+${NOTES_REF}:${NOTES_REF}`],
            timeoutMs: 120_000,
            signal,
          });
    if (fetched.exitCode !== 0)
      throw new ForgeError('unavailable', `fetching from ${withoutCredentials(url)}: ${complaint(fetched)}`);
    await change();
    const push = [
      'push',
      '--quiet',
      `--force-with-lease=${NOTES_REF}:${there ?? ''}`,
      'origin',
      `${NOTES_REF}:${NOTES_REF}`,
    ];
    const pushed = await directory.run({ args: push, timeoutMs: 60_000, signal });
    if (pushed.exitCode === 0) return;
    last = complaint(pushed);
    if (!/rejected|stale info|failed to lock|cannot lock/i.test(pushed.stderr)) break;
  }
  throw new ForgeError('unavailable', `pushing notes to ${withoutCredentials(url)}: ${last}`);
}
