import {
  NO_COMMIT,
  type Payload,
  type PayloadComment,
  type PayloadCommit,
  type PayloadPullRequest,
  type PayloadPush,
  type PayloadRepository,
} from './payload.js';

/** GitHub's webhooks, field by field as its documentation has them (the ones that matter, and enough of the others). */
export const githubPayloads = {
  push(push: PayloadPush): Payload {
    const tag = push.ref.startsWith('refs/tags/');
    return {
      event: 'push',
      body: {
        ref: push.ref,
        before: push.before,
        after: push.after,
        repository: repository(push.repository),
        pusher: { name: push.login, email: `${push.login}@example.org` },
        sender: user(push.login),
        created: push.before === NO_COMMIT,
        deleted: push.after === NO_COMMIT,
        forced: push.forced,
        base_ref: tag ? `refs/heads/${push.repository.defaultBranch}` : null,
        compare: `${push.repository.webUrl}/${push.repository.fullName}/compare/${push.before.slice(0, 12)}...${push.after.slice(0, 12)}`,
        commits: push.commits.slice(-2048).map((one) => commit(push.repository, one, push.login)),
        head_commit: push.head ? commit(push.repository, push.head, push.login) : null,
      },
    };
  },

  /** `ref` is short. Comes beside a push. */
  create(repo: PayloadRepository, ref: string, refType: 'branch' | 'tag', login: string): Payload {
    const master = { master_branch: repo.defaultBranch, description: null };
    return {
      event: 'create',
      body: {
        ref,
        ref_type: refType,
        ...master,
        pusher_type: 'user',
        repository: repository(repo),
        sender: user(login),
      },
    };
  },

  delete(repo: PayloadRepository, ref: string, refType: 'branch' | 'tag', login: string): Payload {
    return {
      event: 'delete',
      body: { ref, ref_type: refType, pusher_type: 'user', repository: repository(repo), sender: user(login) },
    };
  },

  pullRequest(pull: PayloadPullRequest): Payload {
    const repo = repository(pull.repository);
    const from = pull.headRepository === undefined ? pull.repository : pull.headRepository;
    const fork = from !== null && from.id !== pull.repository.id;
    const base = pull.baseBranch ?? pull.repository.defaultBranch;
    const edited = pull.previousBase
      ? { base: { ref: { from: pull.previousBase }, sha: { from: pull.baseCommit } } }
      : { title: { from: 'Teach it' } };
    return {
      event: 'pull_request',
      body: {
        action: pull.action,
        number: pull.number,
        ...(pull.action === 'edited' && { changes: edited }),
        ...(pull.action === 'synchronize' && { before: pull.baseCommit, after: pull.headCommit }),
        pull_request: {
          id: 1_900_000_000 + pull.number,
          number: pull.number,
          state: 'open',
          title: pull.title,
          user: user(pull.login),
          draft: false,
          merged: false,
          mergeable: null,
          merge_commit_sha: null,
          author_association: fork ? 'NONE' : 'MEMBER',
          labels: [],
          head: {
            label: from === null ? pull.headBranch : `${owner(from)}:${pull.headBranch}`,
            ref: pull.headBranch,
            sha: pull.headCommit,
            repo: from === null ? null : { ...repository(from), fork },
            user: user(pull.login),
          },
          base: {
            label: `${owner(pull.repository)}:${base}`,
            ref: base,
            sha: pull.baseCommit,
            repo,
          },
        },
        repository: repo,
        sender: user(pull.login),
      },
    };
  },

  /** Of an issue or a pull request: only `issue.pull_request` tells. No commit is named. */
  comment(one: PayloadComment): Payload {
    const page = `${one.repository.webUrl}/${one.repository.fullName}`;
    return {
      event: 'issue_comment',
      body: {
        action: one.action,
        ...(one.action === 'edited' && { changes: { body: { from: 'Before.' } } }),
        issue: {
          id: 77_000 + one.number,
          number: one.number,
          title: 'Teach the parser about tabs',
          user: user('mira'),
          state: 'open',
          ...(one.onPullRequest && { pull_request: { html_url: `${page}/pull/${one.number}`, merged_at: null } }),
        },
        comment: {
          id: one.id,
          html_url: `${page}/pull/${one.number}#issuecomment-${one.id}`,
          user: user(one.login),
          body: one.body,
          author_association: 'NONE',
          created_at: '2026-03-01T12:00:00Z',
        },
        repository: repository(one.repository),
        sender: user(one.login),
      },
    };
  },

  /** Sent once, when a hook is made. A hook of an organisation names no repository. */
  ping(repo: PayloadRepository | undefined, login: string): Payload {
    return {
      event: 'ping',
      body: {
        zen: 'Keep it logically awesome.',
        hook_id: 109_948_940,
        hook: {
          type: repo ? 'Repository' : 'Organization',
          id: 109_948_940,
          name: 'web',
          active: true,
          events: ['push'],
          config: {
            content_type: 'json',
            insecure_ssl: '0',
            secret: '********',
            url: 'https://ci.example/webhooks/hub',
          },
        },
        ...(repo ? { repository: repository(repo) } : { organization: { login: 'team', id: 5 } }),
        sender: user(login),
      },
    };
  },
};

function owner(repo: PayloadRepository): string {
  return repo.fullName.split('/')[0] ?? '';
}

function repository(repo: PayloadRepository): Record<string, unknown> {
  const page = `${repo.webUrl}/${repo.fullName}`;
  return {
    id: repo.id,
    node_id: 'R_kgDOabcdef',
    name: repo.fullName.split('/')[1],
    full_name: repo.fullName,
    private: true,
    owner: { ...user(owner(repo)), name: owner(repo), email: null, type: 'Organization' },
    html_url: page,
    description: null,
    fork: false,
    url: page,
    created_at: 1_700_000_000,
    pushed_at: 1_772_366_400,
    git_url: `${page.replace(/^https?/, 'git')}.git`,
    ssh_url: `git@github.com:${repo.fullName}.git`,
    clone_url: `${page}.git`,
    size: 4211,
    language: 'TypeScript',
    archived: false,
    disabled: false,
    open_issues_count: 3,
    license: null,
    topics: [],
    visibility: 'private',
    default_branch: repo.defaultBranch,
    master_branch: repo.defaultBranch,
  };
}

/** Of the login alone, so that payloads and API agree. */
export function githubUserId(login: string): number {
  return [...login].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 1000);
}

function user(login: string): Record<string, unknown> {
  const id = githubUserId(login);
  return {
    login,
    id,
    node_id: 'MDQ6VXNlcjE=',
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    gravatar_id: '',
    url: `https://api.github.com/users/${login}`,
    type: 'User',
    site_admin: false,
  };
}

function commit(repo: PayloadRepository, one: PayloadCommit, login: string): Record<string, unknown> {
  const author = { name: login, email: `${login}@example.org`, username: login };
  return {
    ...one,
    tree_id: 'f9d2a07e9488b91af2641b26b9407fe22a451433',
    distinct: true,
    url: `${repo.webUrl}/${repo.fullName}/commit/${one.id}`,
    author,
    committer: author,
  };
}
