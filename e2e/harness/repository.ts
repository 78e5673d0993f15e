import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Push } from './scenario.js';

const run = promisify(execFile);

/** Nothing of the person who runs the tests gets in: no configuration, no identity, no prompt. */
export const gitEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
};

/** Runs git and gives what it printed, trimmed. Rejects with its standard error. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd, env: gitEnvironment, maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** A bare repository, and clones of it that push. */
export class TestRepository {
  readonly bare: string;
  readonly #root: string;
  #clones = 0;
  #main: string | undefined;

  private constructor(root: string) {
    this.#root = root;
    this.bare = join(root, 'origin.git');
  }

  static async create(parent: string): Promise<TestRepository> {
    const repository = new TestRepository(mkdtempSync(join(parent, 'repository-')));
    await git(parent, 'init', '--quiet', '--bare', '--initial-branch=main', repository.bare);
    return repository;
  }

  /** Commits a folder's files as they are, and pushes. `git push` waits for the hook. */
  async push(push: Push, treeDirectory: string, clone?: string): Promise<{ commit: string; output: string }> {
    const work = clone ?? (await this.#mainClone());
    for (const entry of readdirSync(work)) {
      if (entry !== '.git') rmSync(join(work, entry), { recursive: true });
    }
    cpSync(treeDirectory, work, { recursive: true, verbatimSymlinks: true });
    if (push.prepare !== undefined) await run('/bin/sh', ['-ec', push.prepare], { cwd: work });
    if (push.force) await git(work, 'update-ref', '-d', 'HEAD');
    await git(work, 'add', '--all');
    await git(work, 'commit', '--quiet', '--allow-empty', '-m', `Push to ${push.branch}`);
    const { stderr } = await run(
      'git',
      ['push', ...(push.force ? ['--force'] : []), 'origin', `HEAD:refs/heads/${push.branch}`],
      { cwd: work, env: gitEnvironment },
    );
    return { commit: await git(work, 'rev-parse', 'HEAD'), output: stderr };
  }

  async tag(name: string): Promise<void> {
    await git(await this.#mainClone(), 'push', '--quiet', 'origin', `HEAD:refs/tags/${name}`);
  }

  async delete(branch: string): Promise<void> {
    await git(await this.#mainClone(), 'push', '--quiet', 'origin', '--delete', branch);
  }

  async clone(): Promise<string> {
    const directory = join(this.#root, `clone-${this.#clones++}`);
    mkdirSync(directory);
    await git(directory, 'init', '--quiet', '--initial-branch=work');
    await git(directory, 'remote', 'add', 'origin', this.bare);
    return directory;
  }

  async #mainClone(): Promise<string> {
    this.#main ??= await this.clone();
    return this.#main;
  }
}
