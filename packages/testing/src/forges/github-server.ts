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
import { githubUserId } from './github-payloads.js';

/**
 * GitHub's REST API as far as a CI with a token uses it, as strict as the real one. The root is `/` (api.github.com),
 * so `url` is what goes into the settings.
 */
export class GithubServer extends ApiServer {
  protected readonly root = '';

  static async start(options: { token: string; port?: number }): Promise<GithubServer> {
    const server = new GithubServer(options.token);
    await server.listen(options.port);
    return server;
  }

  protected problem(status: number, message: string, errors?: unknown[]): ApiAnswer {
    const documentation = 'https://docs.github.com/rest';
    return {
      status,
      body: { message, documentation_url: documentation, status: String(status), ...(errors && { errors }) },
    };
  }

  protected async answer(request: ApiRequest): Promise<ApiAnswer> {
    if (!request.headers['user-agent']) return this.problem(403, 'Request forbidden by administrative rules.');
    const authorization = request.headers.authorization;
    const signedIn = authorization?.replace(/^(?:token|bearer) /i, '') === this.token;
    if (authorization !== undefined && !signedIn) return this.problem(401, 'Bad credentials');
    const [, fullName, rest] = /^\/repos\/([^/]+\/[^/]+)(\/.*)?$/.exec(request.path) ?? [];
    const repository = fullName === undefined ? undefined : this.repositories.get(fullName);
    // All repositories here are private: to strangers they do not exist.
    if (!repository || !signedIn) return this.problem(404, 'Not Found');
    const found = await this.#route(request, repository, rest ?? '');
    if (found) return found;
    this.unknownRequests.push(`${request.method} ${request.path}`);
    return this.problem(404, 'Not Found');
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
        },
      };
    }
    const range = argument('/compare/');
    if (range !== undefined) return this.#compare(request, repository, range);
    const pull = argument('/pulls/');
    if (pull !== undefined) {
      const found = this.pulls.get(`${repository.fullName}#${pull}`);
      return found ? { status: 200, body: pullBody(found) } : this.problem(404, 'Not Found');
    }
    const [, login] = /^\/collaborators\/([^/]+)\/permission$/.exec(rest) ?? [];
    if (login !== undefined) {
      if (!this.tellsPermissions) return this.problem(403, 'Must have push access to view collaborator permission.');
      const permission = this.permissions.get(login);
      if (permission === undefined && !login.startsWith('known-')) return this.problem(404, `${login} is not a user`);
      const user = { login, id: githubUserId(login), type: 'User' };
      return { status: 200, body: { permission: permission ?? 'none', role_name: permission ?? 'none', user } };
    }
    const path = argument('/contents/');
    if (path !== undefined) return this.#contents(request, repository, path);
    const commit = argument('/git/commits/');
    if (commit !== undefined) {
      if (!(await git.hasCommit(commit))) return this.problem(404, 'Not Found');
      return {
        status: 200,
        body: { sha: commit, message: await git.git('show', '--no-patch', '--format=%B', commit) },
      };
    }
    const blob = argument('/git/blobs/');
    if (blob !== undefined) {
      const bytes = await git.gitBytes(['cat-file', 'blob', blob]).catch(() => undefined);
      if (!bytes) return this.problem(404, 'Not Found');
      return { status: 200, body: { sha: blob, size: bytes.length, encoding: 'base64', content: wrapped(bytes) } };
    }
    const tree = argument('/git/trees/');
    if (tree !== undefined) {
      const found = await contentsAt(git, tree, '');
      if (found?.kind !== 'directory') return this.problem(404, 'Not Found');
      return {
        status: 200,
        body: { sha: tree, tree: found.entries.map(({ path, sha, size }) => ({ path, sha, size })), truncated: false },
      };
    }
    const ref = argument('/git/ref/');
    if (ref !== undefined) {
      const object = await git.resolve(`refs/${ref}`);
      if (!object) return this.problem(404, 'Not Found');
      return {
        status: 200,
        body: { ref: `refs/${ref}`, object: { sha: object, type: await git.git('cat-file', '-t', object) } },
      };
    }
    const tag = argument('/git/tags/');
    if (tag !== undefined) {
      const target = await git.resolve(`${tag}^{commit}`);
      if (!target) return this.problem(404, 'Not Found');
      return { status: 200, body: { sha: tag, object: { sha: target, type: 'commit' } } };
    }
    return undefined;
  }

  async #contents(request: ApiRequest, repository: HostedRepository, path: string): Promise<ApiAnswer> {
    const ref = request.query.get('ref') ?? repository.defaultBranch;
    if (!(await repository.git.resolve(`${ref}^{commit}`)))
      return this.problem(404, `No commit found for the ref ${ref}`);
    const found = await contentsAt(repository.git, ref, path);
    if (!found) return this.problem(404, 'Not Found');
    if (found.kind === 'directory') return { status: 200, body: found.entries.slice(0, 1000) };
    if (/raw/.test(String(request.headers.accept))) return { status: 200, body: found.bytes };
    return { status: 200, body: { ...found.entry, encoding: 'base64', content: wrapped(found.bytes) } };
  }

  /** At most 300 files, and all of them on the first page; its size counts commits only. */
  async #compare(request: ApiRequest, { git }: HostedRepository, range: string): Promise<ApiAnswer> {
    const found = await compared(git, range);
    if (!found) return this.problem(404, 'Not Found');
    const { ahead, behind, mergeBase, head } = found;
    const page = Number(request.query.get('page') ?? 1);
    const size = Math.min(Number(request.query.get('per_page') ?? 30), 100);
    const changes = page === 1 ? (await changesOf(git, mergeBase, head)).slice(0, 300) : [];
    const diverged = ahead.length > 0 ? (behind > 0 ? 'diverged' : 'ahead') : behind > 0 ? 'behind' : 'identical';
    return {
      status: 200,
      body: {
        status: diverged,
        ahead_by: ahead.length,
        behind_by: behind,
        total_commits: ahead.length,
        merge_base_commit: { sha: mergeBase },
        commits: ahead.slice((page - 1) * size, page * size).map((sha) => ({ sha })),
        files: changes.map(({ status, paths }) => ({
          filename: paths.at(-1),
          status: status.startsWith('R') ? 'renamed' : ({ A: 'added', D: 'removed' }[status] ?? 'modified'),
          ...(paths.length > 1 && { previous_filename: paths[0] }),
        })),
      },
    };
  }

  async #createStatus(request: ApiRequest, repository: HostedRepository, sha: string): Promise<ApiAnswer> {
    let body: Record<string, unknown>;
    try {
      body = JSON.parse(request.body.toString('utf8')) as Record<string, unknown>;
    } catch {
      return this.problem(400, 'Problems parsing JSON');
    }
    const { state, context = 'default', description = '', target_url: targetUrl } = body;
    const invalid = (field: string, message: string) =>
      this.problem(422, 'Validation Failed', [{ resource: 'Status', code: 'custom', field, message }]);
    const unknown = Object.keys(body).filter((key) => !['state', 'context', 'description', 'target_url'].includes(key));
    if (unknown.length > 0) return this.problem(422, `Invalid request. ${unknown.join(', ')} not permitted.`);
    if (!['error', 'failure', 'pending', 'success'].includes(String(state)))
      return invalid('state', 'state is not included in the list');
    if (typeof context !== 'string' || context.length === 0 || context.length > 255)
      return invalid('context', 'context is too long (maximum is 255 characters)');
    if (typeof description !== 'string' || description.length > 140)
      return invalid('description', 'description is too long (maximum is 140 characters)');
    if (targetUrl !== undefined && !/^https?:\/\/\S+$/.test(String(targetUrl)))
      return invalid('target_url', 'target_url must use http(s) scheme');
    if (!(await repository.git.hasCommit(sha))) return this.problem(422, `No commit found for SHA: ${sha}`);
    const earlier = this.statuses.filter((one) => one.sha === sha && one.context === context);
    if (earlier.length >= 1000)
      return this.problem(422, 'Validation Failed', [
        'This SHA and context has reached the maximum number of statuses.',
      ]);
    this.statuses.push({
      repository: repository.fullName,
      sha,
      state: String(state),
      context,
      description,
      targetUrl: targetUrl === undefined ? undefined : String(targetUrl),
    });
    return {
      status: 201,
      body: { id: this.statuses.length, state, context, description, target_url: targetUrl ?? null },
    };
  }
}

/** As GitHub gives base64: a line break after every 60 characters. */
function wrapped(bytes: Buffer): string {
  return bytes.toString('base64').replace(/.{1,60}/g, '$&\n');
}
