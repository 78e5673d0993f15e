import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';

const IDENTITY = ['-c', 'user.name=Mira Holm', '-c', 'user.email=mira@example.org', '-c', 'commit.gpgsign=false'];
const ENVIRONMENT = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_DATE: '2026-03-01T12:00:00Z',
  GIT_COMMITTER_DATE: '2026-03-01T12:00:00Z',
};

/** A real bare repository, written to without a working tree, so that a test's pushes take milliseconds. */
export class BareRepository {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes it at the path, which must not be there yet. */
  static async create(path: string): Promise<BareRepository> {
    await mkdir(path, { recursive: true });
    await runGit(['init', '--quiet', '--bare', '--initial-branch=main', path]);
    return new BareRepository(path);
  }

  static open(path: string): BareRepository {
    return new BareRepository(path);
  }

  /** Standard output, trimmed. Rejects with git's own words. */
  async git(...args: string[]): Promise<string> {
    return (await this.gitBytes(args)).toString('utf8').trim();
  }

  async gitBytes(args: string[], input?: string | Uint8Array): Promise<Buffer> {
    return runGit([`--git-dir=${this.path}`, ...args], input);
  }

  /**
   * Commits exactly these files (path -> content) and moves the branch there. `parents` default to the branch's
   * commit, or none. Gives the commit's id.
   */
  async commit(options: {
    branch?: string;
    files: Record<string, string | Uint8Array>;
    message?: string;
    parents?: string[];
  }): Promise<string> {
    const ref = `refs/heads/${options.branch ?? 'main'}`;
    const parents = options.parents ?? [await this.resolve(ref)].filter((parent) => parent !== undefined);
    const from = parents.map((parent, index) => `${index === 0 ? 'from' : 'merge'} ${parent}\n`).join('');
    // A name of its own, so that fast-import never has to force a branch.
    const draft = `refs/solstice-test/${Math.random().toString(36).slice(2)}`;
    const chunks: (string | Uint8Array)[] = [
      `commit ${draft}\ncommitter Mira Holm <mira@example.org> 1772366400 +0000\n`,
      data(options.message ?? 'Change things'),
      from,
      'deleteall\n',
    ];
    for (const [path, content] of Object.entries(options.files)) {
      chunks.push(`M 100644 inline ${JSON.stringify(path)}\n`, data(content));
    }
    chunks.push('done\n');
    await this.gitBytes(
      ['fast-import', '--quiet', '--done'],
      Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as string))),
    );
    const commit = await this.git('rev-parse', draft);
    await this.git('update-ref', ref, commit);
    await this.git('update-ref', '-d', draft);
    return commit;
  }

  /** The commit or tag object that a ref leads to; undefined: no such ref. */
  async resolve(revision: string): Promise<string | undefined> {
    return this.git('rev-parse', '--verify', '--quiet', revision).catch(() => undefined);
  }

  async hasCommit(id: string): Promise<boolean> {
    if (!/^[0-9a-f]{40}$/.test(id)) return false;
    const answer = await this.gitBytes(['cat-file', '--batch-check'], `${id}\n`);
    return answer.toString('utf8').startsWith(`${id} commit `);
  }

  /** Branches and tags with their objects. */
  async refs(): Promise<Map<string, string>> {
    const listed = await this.git('for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags');
    return new Map(
      listed
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]),
    );
  }
}

function data(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from('\n')]);
}

function runGit(args: string[], input?: string | Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer' as const, env: ENVIRONMENT, maxBuffer: 256 * 1024 * 1024 };
    const child = execFile('git', [...IDENTITY, ...args], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`git ${args.join(' ')}: ${stderr.toString('utf8').trim() || error.message}`));
      else resolve(stdout);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}
