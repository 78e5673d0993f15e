import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BareRepository } from './bare-repository.js';
import { carriesToken, serveGit } from './git-over-http.js';

export interface HostedRepository {
  /** The forge's number. */
  id: number;
  /** `owner/name` */
  fullName: string;
  defaultBranch: string;
  git: BareRepository;
}

/** A pull request as the forge's API tells it. Its commits are in the repository's git, also those of a fork. */
export interface HostedPull {
  number: number;
  /** Default: open. */
  state?: 'open' | 'closed';
  /** The forge's number of where it comes from; null: that is gone. */
  headRepositoryId: number | null;
  headBranch: string;
  headCommit: string;
  baseBranch: string;
  baseCommit: string;
  title?: string;
}

export interface RecordedStatus {
  repository: string;
  sha: string;
  state: string;
  context: string;
  description: string;
  targetUrl: string | undefined;
}

export interface ApiRequest {
  method: string;
  /** Decoded, below the API's root: `/repos/team/tool/contents/.solstice`. */
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface ApiAnswer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** What the server does in place of an answer, for as many requests. */
export interface Misbehaviour {
  times: number;
  /** Which requests; default: all. */
  when?: (request: ApiRequest) => boolean;
  /** Answer this. */
  status?: number;
  headers?: Record<string, string>;
  message?: string;
  /** Wait before answering; `Infinity`: never answer. */
  delayMs?: number;
  /** Do what was asked first, and only then misbehave: the caller cannot know whether it was done. */
  afterwards?: boolean;
  /** Break the connection. */
  disconnect?: boolean;
}

/** Where webhooks go. */
export interface Hook {
  url: string;
  secret: string;
}

/** What the strict test servers share: real HTTP on loopback, git at `/<owner>/<name>.git` (with the token as password), a record of everything, and misbehaviour on demand. */
export abstract class ApiServer {
  /** Every request, in order, also the misbehaved ones. */
  readonly requests: ApiRequest[] = [];
  /** Every status that was accepted, in order. */
  readonly statuses: RecordedStatus[] = [];
  /** Requests that the real API does not have: a test asserts that there is none. */
  readonly unknownRequests: string[] = [];
  /** Most requests that were under way at one time. */
  mostAtOnce = 0;
  readonly repositories = new Map<string, HostedRepository>();
  /** `owner/name#number` */
  readonly pulls = new Map<string, HostedPull>();
  /** What people may do, by login, in every repository: `admin`, `write`, `read`. Others may nothing. */
  readonly permissions = new Map<string, string>();
  /** Forgejo tells only administrators of the repository, GitHub only those who may write. */
  tellsPermissions = true;
  protected readonly token: string;
  readonly #server: Server;
  readonly #misbehaviours: Misbehaviour[] = [];
  readonly #waiting = new Set<NodeJS.Timeout>();
  #atOnce = 0;

  protected constructor(token: string) {
    this.token = token;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error) => {
        response.statusCode = 599;
        response.end(`the test server itself failed: ${error instanceof Error ? error.stack : error}`);
      });
    });
  }

  /** `http://127.0.0.1:<port>` */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    for (const timer of this.#waiting) clearTimeout(timer);
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  host(repository: HostedRepository): void {
    this.repositories.set(repository.fullName, repository);
  }

  hostPull(fullName: string, pull: HostedPull): void {
    this.pulls.set(`${fullName}#${pull.number}`, pull);
  }

  /** Later ones wait for earlier ones to be used up, unless their `when` differs. */
  misbehave(misbehaviour: Misbehaviour): void {
    this.#misbehaviours.push({ ...misbehaviour });
  }

  behave(): void {
    this.#misbehaviours.length = 0;
  }

  /** The newest status of each context on the commit. */
  statusesOf(sha: string): Map<string, RecordedStatus> {
    return new Map(this.statuses.filter((status) => status.sha === sha).map((status) => [status.context, status]));
  }

  protected abstract readonly root: string;
  protected abstract answer(request: ApiRequest): Promise<ApiAnswer>;
  protected abstract problem(status: number, message: string): ApiAnswer;

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    response.once('close', () => this.#atOnce--);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const url = new URL(incoming.url ?? '/', 'http://test');
    const [, fullName = '', rest = ''] = /^\/([^/]+\/[^/]+)\.git(\/.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
    const cloned = this.repositories.get(fullName);
    if (cloned) {
      if (carriesToken(incoming.headers.authorization, this.token)) {
        return serveGit(cloned.git, rest, url.search.slice(1), incoming, Buffer.concat(chunks), response);
      }
      return send(response, {
        status: 401,
        body: 'Unauthorized\n',
        headers: { 'www-authenticate': 'Basic realm="git"' },
      });
    }
    if (!url.pathname.startsWith(`${this.root}/`)) {
      this.unknownRequests.push(`${incoming.method} ${url.pathname}`);
      return send(response, { status: 404, body: 'Not found.\n' });
    }
    const request: ApiRequest = {
      method: incoming.method ?? '',
      path: url.pathname.slice(this.root.length).split('/').map(decodeURIComponent).join('/'),
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    this.requests.push(request);
    const fault = this.#misbehaviours.find(({ times, when }) => times > 0 && (when?.(request) ?? true));
    if (fault) fault.times--;
    let answer: ApiAnswer | undefined;
    if (!fault || fault.afterwards || (fault.status === undefined && !fault.disconnect))
      answer = await this.answer(request);
    if (fault?.delayMs !== undefined) {
      const { delayMs } = fault;
      if (delayMs === Number.POSITIVE_INFINITY) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          this.#waiting.delete(timer);
          resolve();
        }, delayMs);
        this.#waiting.add(timer);
      });
    }
    if (fault?.disconnect) return void response.destroy();
    if (fault?.status !== undefined) {
      answer = this.problem(fault.status, fault.message ?? 'the test server was told to answer so');
      answer.headers = { ...answer.headers, ...fault.headers };
    }
    send(response, answer ?? this.problem(404, 'Not Found'));
  }
}

function send(response: ServerResponse, { status, body, headers }: ApiAnswer): void {
  const bytes = body instanceof Uint8Array ? body : typeof body === 'string' ? body : JSON.stringify(body);
  const type =
    body instanceof Uint8Array || typeof body === 'string'
      ? 'text/plain; charset=utf-8'
      : 'application/json; charset=utf-8';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(bytes);
}

/** `GET …/pulls/{number}`, as far as both forges say the same. */
export function pullBody(pull: HostedPull): Record<string, unknown> {
  const repo = (id: number | null) => (id === null ? null : { id });
  return {
    number: pull.number,
    state: pull.state ?? 'open',
    title: pull.title ?? 'Teach the parser about tabs',
    head: { ref: pull.headBranch, sha: pull.headCommit, repo: repo(pull.headRepositoryId) },
    base: { ref: pull.baseBranch, sha: pull.baseCommit },
  };
}

/** Both sides of `base...head`, by real git; undefined: one is not there, or they have nothing in common. */
export async function compared(
  git: BareRepository,
  range: string,
): Promise<{ mergeBase: string; head: string; ahead: string[]; behind: number } | undefined> {
  const [from = '', to = ''] = range.split('...');
  const [base, head] = await Promise.all([git.resolve(`${from}^{commit}`), git.resolve(`${to}^{commit}`)]);
  if (!base || !head) return undefined;
  const mergeBase = await git.git('merge-base', base, head).catch(() => undefined);
  if (!mergeBase) return undefined;
  const ahead = (await git.git('rev-list', `${base}..${head}`)).split('\n').filter((line) => line !== '');
  const behind = Number(await git.git('rev-list', '--count', `${head}..${base}`));
  return { mergeBase, head, ahead, behind };
}

/** Status and paths (two of a renamed file), between two trees; of a commit against its parent when there is one only. */
export async function changesOf(
  git: BareRepository,
  ...revisions: [string] | [string, string]
): Promise<{ status: string; paths: string[] }[]> {
  const args = ['diff-tree', '-r', '--root', '--no-commit-id', '--name-status', '-M', '-z', ...revisions];
  const words = (await git.gitBytes(args)).toString('utf8').split('\0');
  const changes: { status: string; paths: string[] }[] = [];
  while ((words[0] ?? '') !== '') {
    const status = words.shift() ?? '';
    changes.push({ status, paths: words.splice(0, status.startsWith('R') ? 2 : 1) });
  }
  return changes;
}

export interface TreeEntry {
  type: 'file' | 'dir' | 'symlink' | 'submodule';
  name: string;
  path: string;
  sha: string;
  size: number;
}

/** What is at the path of a commit: a directory's entries, a file's, or nothing. `ref`: commit id, branch or tag. */
export async function contentsAt(
  git: BareRepository,
  ref: string,
  path: string,
): Promise<
  { kind: 'directory'; entries: TreeEntry[] } | { kind: 'file'; entry: TreeEntry; bytes: Buffer } | undefined
> {
  const commit = await git.resolve(`${ref}^{commit}`);
  if (commit === undefined) return undefined;
  const kind = await git.git('cat-file', '-t', `${commit}:${path}`).catch(() => undefined);
  if (kind === undefined) return undefined;
  const spec = kind === 'tree' ? `${path}/` : path;
  const listed = (await git.gitBytes(['ls-tree', '-z', '--long', commit, spec])).toString('utf8');
  const entries = listed.split('\0').flatMap((line): TreeEntry[] => {
    const [, mode, type, sha, size, full] = /^(\d+) (\w+) (\w+) +(-|\d+)\t(.*)$/s.exec(line) ?? [];
    if (!mode || !sha || !full) return [];
    const shown = mode === '120000' ? 'symlink' : mode === '160000' ? 'submodule' : type === 'tree' ? 'dir' : 'file';
    return [
      { type: shown, name: full.split('/').at(-1) ?? full, path: full, sha, size: size === '-' ? 0 : Number(size) },
    ];
  });
  if (kind === 'tree') return { kind: 'directory', entries };
  const [entry] = entries;
  return entry && { kind: 'file', entry, bytes: await git.gitBytes(['cat-file', 'blob', entry.sha]) };
}
