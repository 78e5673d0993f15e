import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SolsticeError } from '@solstice/common/errors';
import type { Logger } from '@solstice/common/telemetry';
import type { CloneAddress } from './clone-address.js';
import type { Git, GitCall, GitCredential, GitResult } from './git.js';

export interface MirrorRequest {
  address: CloneAddress;
  commit: string;
  ref: string;
  credential: GitCredential | undefined;
}

/** Its time is when the mirror was last asked for. */
export const USED_FILE = 'solstice-used';

const LOCAL_DEADLINE_MS = 120_000;
const BRANCHES_AND_TAGS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
// The other side answered, and hasn't got it: nothing is wrong with the mirror or the way there.
const REMOTE_SAYS_NO = /not our ref|unadvertised object|couldn't find remote ref|no such (?:remote )?ref/i;

/**
 * One bare mirror on disk. Whoever calls holds its lock. No object ever goes (gc is off), and each commit that was
 * asked for has a ref of its own, so neither a force push nor a deleted branch takes it away from a worker.
 */
export class Mirror {
  readonly directory: string;
  readonly #git: Git;
  readonly #fetchDeadlineMs: number;
  readonly #logger: Logger;

  constructor(directory: string, git: Git, fetchDeadlineMs: number, logger: Logger) {
    this.directory = directory;
    this.#git = git;
    this.#fetchDeadlineMs = fetchDeadlineMs;
    this.#logger = logger;
  }

  /** When it resolves, the commit and its whole tree are here. */
  async ensure(request: MirrorRequest): Promise<void> {
    const { commit } = request;
    if (!(await this.#exists())) {
      await this.#replace(request);
    } else if (!(await this.#has(this.directory, commit))) {
      await this.#refresh(request);
    } else {
      await this.#pin(commit);
    }
    const now = new Date();
    await utimes(path.join(this.directory, USED_FILE), now, now);
  }

  async remove(): Promise<void> {
    // Renamed first: a removal that is cut short leaves no half a mirror under the good name.
    const aside = `${this.directory}.${randomUUID()}.tmp`;
    await rename(this.directory, aside);
    await rm(aside, { recursive: true, force: true });
  }

  async #refresh(request: MirrorRequest): Promise<void> {
    await this.#removeTemporaryPacks();
    const failure = await this.#fetch(this.directory, request);
    if (failure === undefined) return;
    if (REMOTE_SAYS_NO.test(failure)) throw gone(request, failure);
    const probe = await this.#git.run(
      ['ls-remote', '--quiet', '--', request.address.url, 'HEAD'],
      this.#remote(request),
    );
    if (!probe.ok) throw unavailable(request, failure);
    // The way there is good, so it is the mirror. The old one stays until there is a new one.
    this.#logger.warn({ mirror: this.directory, reason: failure }, 'mirror is broken and is made anew');
    await this.#replace(request);
  }

  async #replace(request: MirrorRequest): Promise<void> {
    const fresh = `${this.directory}.${randomUUID()}.tmp`;
    try {
      await this.#init(fresh, request);
      const failure = await this.#fetch(fresh, request);
      if (failure !== undefined)
        throw REMOTE_SAYS_NO.test(failure) ? gone(request, failure) : unavailable(request, failure);
      if (await isThere(this.directory)) await this.remove();
      await rename(fresh, this.directory);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }

  async #init(directory: string, { address, commit }: MirrorRequest): Promise<void> {
    const format = commit.length === 64 ? 'sha256' : 'sha1';
    // Readable for all: users of an image that are not root borrow its objects.
    const shape = ['--bare', '--quiet', '--shared=0644', '--template=', `--object-format=${format}`];
    const made = await this.#git.run(['init', ...shape, '--', directory], { deadlineMs: LOCAL_DEADLINE_MS });
    if (!made.ok) throw new SolsticeError('source-unavailable', `no mirror can be made in ${directory}: ${made.said}`);
    await writeFile(path.join(directory, 'description'), `${address.url}\n`);
    await writeFile(path.join(directory, USED_FILE), '');
    // An archive has all that a checkout has, whatever .gitattributes says about archives.
    await mkdir(path.join(directory, 'info'), { recursive: true });
    await writeFile(path.join(directory, 'info', 'attributes'), '* -export-ignore -export-subst\n');
  }

  /** Undefined: it is here now. Else git's words. */
  async #fetch(directory: string, request: MirrorRequest): Promise<string | undefined> {
    const { commit, ref } = request;
    const byName = await this.#fetchRefs(directory, request, [...BRANCHES_AND_TAGS, `${commit}:${pinOf(commit)}`]);
    if (byName.ok) {
      return (await this.#has(directory, commit)) ? undefined : `the fetch went well, and ${commit} is not there`;
    }
    if (!REMOTE_SAYS_NO.test(byName.said)) return byName.said;
    // Some servers give only what a ref leads to.
    const isBranchOrTag = /^refs\/(?:heads|tags)\//.test(ref);
    const asked = isBranchOrTag ? [] : [`+${ref}:refs/solstice/asked/${commit}`];
    const byRef = await this.#fetchRefs(directory, request, [...BRANCHES_AND_TAGS, ...asked]);
    if (!byRef.ok) return byRef.said;
    if (!(await this.#has(directory, commit))) return byName.said;
    await this.#pin(commit, directory);
    return undefined;
  }

  #fetchRefs(directory: string, request: MirrorRequest, refs: string[]): Promise<GitResult> {
    const options = ['--quiet', '--no-tags', '--prune', '--no-write-fetch-head', '--no-recurse-submodules', '--force'];
    return this.#git.run(
      ['--git-dir', directory, 'fetch', ...options, '--', request.address.url, ...refs],
      this.#remote(request),
    );
  }

  /** Commit, trees and files are all there. What is in a pack's middle is seen only when it is read. */
  async #has(directory: string, commit: string): Promise<boolean> {
    const walk = ['rev-list', '--objects', '--no-walk', '--quiet', `${commit}^{commit}`, '--'];
    return (await this.#git.run(['--git-dir', directory, ...walk], { deadlineMs: LOCAL_DEADLINE_MS })).ok;
  }

  async #pin(commit: string, directory = this.directory): Promise<void> {
    if (await isThere(path.join(directory, pinOf(commit)))) return;
    const pinned = await this.#git.run(['--git-dir', directory, 'update-ref', pinOf(commit), commit], {
      deadlineMs: LOCAL_DEADLINE_MS,
    });
    if (!pinned.ok) throw new SolsticeError('source-unavailable', `commit ${commit} can't be kept: ${pinned.said}`);
  }

  async #exists(): Promise<boolean> {
    return (await isThere(path.join(this.directory, 'HEAD'))) && (await isThere(path.join(this.directory, USED_FILE)));
  }

  /** What a git that was killed in the middle of a fetch left behind. */
  async #removeTemporaryPacks(): Promise<void> {
    const packs = path.join(this.directory, 'objects', 'pack');
    for (const name of await readdir(packs).catch(() => [])) {
      if (name.startsWith('tmp_')) await rm(path.join(packs, name), { force: true });
    }
  }

  #remote({ address, credential }: MirrorRequest): GitCall {
    const known = credential ?? address.credential;
    const forOrigin =
      known === undefined || address.origin === undefined ? undefined : { origin: address.origin, credential: known };
    return { deadlineMs: this.#fetchDeadlineMs, credential: forOrigin };
  }
}

function pinOf(commit: string): string {
  return `refs/solstice/pins/${commit}`;
}

function gone({ address, commit, ref }: MirrorRequest, said: string): SolsticeError {
  return new SolsticeError('source-unavailable', `commit ${commit} (${ref}) is not in ${address.url}: ${said}`, {
    hint: 'It may have been pushed away, and the server does not give it any more; push again.',
  });
}

function unavailable({ address, commit }: MirrorRequest, said: string): SolsticeError {
  return new SolsticeError('source-unavailable', `commit ${commit} can't be fetched from ${address.url}: ${said}`);
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
