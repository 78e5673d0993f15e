import {
  type ApiAnswer,
  type ApiRequest,
  ApiServer,
  changesOf,
  compared,
  contentsAt,
  type HostedRepository,
  pullBody,
} from './api-server.js';
import { forgejoUserId } from './forgejo-payloads.js';

/** Forgejo's HTTP API as far as a CI with a token uses it, as strict as the real one. `url` goes into the settings; the API is below `/api/v1`. */
export class ForgejoServer extends ApiServer {
  protected readonly root = '/api/v1';
  /** What a comparison lists: newer versions the files that differ, older ones those of each commit, oldest none. */
  comparesBy: 'files' | 'commits' | 'nothing' = 'commits';

  static async start(options: { token: string; port?: number }): Promise<ForgejoServer> {
    const server = new ForgejoServer(options.token);
    await server.listen(options.port);
    return server;
  }

  protected problem(status: number, message: string): ApiAnswer {
    return { status, body: { message, url: `${this.url}/api/swagger`, ...(status === 404 && { errors: [] }) } };
  }

  protected async answer(request: ApiRequest): Promise<ApiAnswer> {
    const authorization = request.headers.authorization;
    const signedIn = authorization === `token ${this.token}` || authorization === `Bearer ${this.token}`;
    if (authorization !== undefined && !signedIn) return this.problem(401, 'invalid username, password or token');
    const [, fullName, rest] = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(request.path) ?? [];
    const repository = fullName === undefined ? undefined : this.repositories.get(fullName);
    if (request.method === 'POST' && !signedIn) return this.problem(401, 'token is required');
    // All repositories here are private: to strangers they do not exist.
    if (!repository || !signedIn) return this.problem(404, "The target couldn't be found.");
    const found = await this.#route(request, repository, rest ?? '');
    if (found) return found;
    this.unknownRequests.push(`${request.method} ${request.path}`);
    return this.problem(404, "The target couldn't be found.");
  }

  async #route(request: ApiRequest, repository: HostedRepository, rest: string): Promise<ApiAnswer | undefined> {
    const { git } = repository;
    const argument = (prefix: string) => (rest.startsWith(prefix) ? rest.slice(prefix.length) : undefined);
    const status = argument('/statuses/');
    if (status !== undefined && request.method === 'POST') return this.#createStatus(request, repository, status);
    if (request.method !== 'GET') return undefined;
    if (rest === '') {
      return {
        status: 200,
        body: {
          id: repository.id,
          full_name: repository.fullName,
          default_branch: repository.defaultBranch,
          private: true,
          empty: false,
        },
      };
    }
    const ref = request.query.get('ref') ?? repository.defaultBranch;
    const directory = argument('/contents/');
    if (directory !== undefined) {
      const found = await contentsAt(git, ref, directory);
      if (!found) return this.problem(404, `object does not exist [id: , rel_path: ${directory}]`);
      const entry = (one: object) => ({ encoding: null, content: null, target: null, ...one });
      if (found.kind === 'directory') return { status: 200, body: found.entries.map(entry) };
      return {
        status: 200,
        body: { ...entry(found.entry), encoding: 'base64', content: found.bytes.toString('base64') },
      };
    }
    const range = argument('/compare/');
    if (range !== undefined) return this.#compare(repository, range);
    const pull = argument('/pulls/');
    if (pull !== undefined) {
      const found = this.pulls.get(`${repository.fullName}#${pull}`);
      return found ? { status: 200, body: pullBody(found) } : this.problem(404, "The target couldn't be found.");
    }
    const [, login] = /^\/collaborators\/([^/]+)\/permission$/.exec(rest) ?? [];
    if (login !== undefined) {
      if (!this.tellsPermissions) {
        return this.problem(403, 'Only admins can query all permissions, repo admins can query all repo permissions');
      }
      const permission = this.permissions.get(login);
      if (permission === undefined && !login.startsWith('known-')) {
        return this.problem(404, `user does not exist [uid: 0, name: ${login}]`);
      }
      const user = { login, id: forgejoUserId(login) };
      return { status: 200, body: { permission: permission ?? 'none', role_name: permission ?? 'none', user } };
    }
    const raw = argument('/raw/');
    if (raw !== undefined) {
      const found = await contentsAt(git, ref, raw);
      if (found?.kind !== 'file') return this.problem(404, `object does not exist [id: , rel_path: ${raw}]`);
      return { status: 200, body: found.bytes };
    }
    const commit = argument('/git/commits/');
    if (commit !== undefined) {
      if (!(await git.hasCommit(commit))) return this.problem(404, `object does not exist [id: ${commit}, rel_path: ]`);
      return {
        status: 200,
        body: { sha: commit, commit: { message: await git.git('show', '--no-patch', '--format=%B', commit) } },
      };
    }
    const tree = argument('/git/trees/');
    if (tree !== undefined) {
      const found = await contentsAt(git, tree, '');
      if (found?.kind !== 'directory') return this.problem(404, 'object does not exist');
      return {
        status: 200,
        body: { sha: tree, tree: found.entries.map(({ path, sha, size }) => ({ path, sha, size })), truncated: false },
      };
    }
    const branch = argument('/branches/');
    if (branch !== undefined) {
      const head = await git.resolve(`refs/heads/${branch}`);
      if (!head) return this.problem(404, `branch does not exist [name: ${branch}]`);
      return { status: 200, body: { name: branch, commit: { id: head } } };
    }
    const tag = argument('/tags/');
    if (tag !== undefined) {
      const target = await git.resolve(`refs/tags/${tag}^{commit}`);
      if (!target) return this.problem(404, 'tag does not exist');
      return { status: 200, body: { name: tag, id: await git.resolve(`refs/tags/${tag}`), commit: { sha: target } } };
    }
    return undefined;
  }

  async #compare({ git }: HostedRepository, range: string): Promise<ApiAnswer> {
    const found = await compared(git, range);
    if (!found) {
      const ends = await Promise.all(range.split('...').map((end) => git.resolve(`${end}^{commit}`)));
      if (ends.some((end) => !end)) return this.problem(404, "The target couldn't be found.");
      // As the server's source has it: without a merge base it goes on with no commits, as for two that are the same.
      return {
        status: 200,
        body: { total_commits: 0, commits: [], ...(this.comparesBy === 'files' && { files: [] }) },
      };
    }
    const listed = async (...revisions: [string] | [string, string]) => {
      const changes = await changesOf(git, ...revisions);
      return changes.flatMap(({ status, paths }) => paths.map((filename) => ({ filename, status })));
    };
    const commits = await Promise.all(
      found.ahead.map(async (sha) => ({
        sha,
        ...(this.comparesBy === 'commits' && { files: await listed(sha) }),
      })),
    );
    const files = this.comparesBy === 'files' ? { files: await listed(found.mergeBase, found.head) } : {};
    return { status: 200, body: { total_commits: found.ahead.length, commits, ...files } };
  }

  async #createStatus(request: ApiRequest, repository: HostedRepository, sha: string): Promise<ApiAnswer> {
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
      return this.problem(422, 'Empty Content-Type');
    let body: Record<string, unknown>;
    try {
      body = JSON.parse(request.body.toString('utf8')) as Record<string, unknown>;
    } catch {
      return this.problem(422, 'invalid JSON');
    }
    const { state, context = 'default', description = '', target_url: targetUrl = '' } = body;
    for (const [name, value] of Object.entries({ context, description, targetUrl })) {
      if (typeof value !== 'string')
        return this.problem(422, `json: cannot unmarshal into Go struct field CreateStatusOption.${name}`);
    }
    if (!['pending', 'success', 'error', 'failure', 'warning'].includes(String(state))) {
      return this.problem(422, `unknown state ${String(state)}`);
    }
    // As the server's source has it: it looks the commit up while creating, and any failure there is its own.
    if (!(await repository.git.hasCommit(sha))) {
      return this.problem(500, `CreateCommitStatus: GetCommit[${sha}]: object does not exist [id: ${sha}, rel_path: ]`);
    }
    this.statuses.push({
      repository: repository.fullName,
      sha,
      state: String(state),
      context: String(context) === '' ? 'default' : String(context),
      description: String(description),
      targetUrl: targetUrl === '' ? undefined : String(targetUrl),
    });
    return {
      status: 201,
      body: { id: this.statuses.length, status: state, context, description, target_url: targetUrl },
    };
  }
}
