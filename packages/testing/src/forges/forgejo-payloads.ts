import type {
  Payload,
  PayloadComment,
  PayloadCommit,
  PayloadPullRequest,
  PayloadPush,
  PayloadRepository,
} from './payload.js';

/** Forgejo shows no more commits of a push ([ui] FEED_MAX_COMMIT_NUM). */
const SHOWN_COMMITS = 5;

/** Forgejo's webhooks of hook type `forgejo`, as its server makes them. There is no ping: the test button sends a push. */
export const forgejoPayloads = {
  push(push: PayloadPush): Payload {
    return {
      event: 'push',
      body: {
        ref: push.ref,
        before: push.before,
        after: push.after,
        compare_url: `${push.repository.webUrl}/${push.repository.fullName}/compare/${push.before}...${push.after}`,
        commits: [...push.commits]
          .reverse()
          .slice(0, SHOWN_COMMITS)
          .map((one) => commit(push.repository, one, push.login)),
        total_commits: push.commits.length,
        head_commit: push.head ? commit(push.repository, push.head, push.login) : null,
        repository: repository(push.repository),
        pusher: user(push.login),
        sender: user(push.login),
      },
    };
  },

  /** What the "test delivery" button of a hook's page sends: a push of the head onto itself. */
  testPush(repo: PayloadRepository, head: PayloadCommit, login: string): Payload {
    const ref = `refs/heads/${repo.defaultBranch}`;
    return forgejoPayloads.push({
      repository: repo,
      ref,
      before: head.id,
      after: head.id,
      forced: false,
      commits: [head],
      head,
      login,
    });
  },

  /** `ref` is full for hooks of type `forgejo`. Comes beside a push. */
  create(repo: PayloadRepository, ref: string, refType: 'branch' | 'tag', sha: string, login: string): Payload {
    return {
      event: 'create',
      body: { sha, ref, ref_type: refType, repository: repository(repo), sender: user(login) },
    };
  },

  delete(repo: PayloadRepository, ref: string, refType: 'branch' | 'tag', login: string): Payload {
    return {
      event: 'delete',
      body: { ref, ref_type: refType, pusher_type: 'user', repository: repository(repo), sender: user(login) },
    };
  },

  /** `action` says `synchronized` where GitHub's says `synchronize`. */
  pullRequest(pull: PayloadPullRequest): Payload {
    const repo = repository(pull.repository);
    const from = pull.headRepository === undefined ? pull.repository : pull.headRepository;
    const base = pull.baseBranch ?? pull.repository.defaultBranch;
    const edited = pull.previousBase ? { ref: { from: pull.previousBase } } : { title: { from: 'Teach it' } };
    return {
      event: 'pull_request',
      body: {
        action: pull.action,
        number: pull.number,
        ...(pull.action === 'edited' && { changes: edited }),
        pull_request: {
          id: 400 + pull.number,
          number: pull.number,
          user: user(pull.login),
          title: pull.title,
          body: '',
          labels: [],
          state: 'open',
          draft: false,
          is_locked: false,
          mergeable: true,
          merged: false,
          merge_commit_sha: null,
          merge_base: pull.baseCommit,
          base: {
            label: base,
            ref: base,
            sha: pull.baseCommit,
            repo_id: pull.repository.id,
            repo,
          },
          head: {
            label: pull.headBranch,
            ref: pull.headBranch,
            sha: pull.headCommit,
            repo_id: from?.id ?? -1,
            repo: from === null ? null : { ...repository(from), fork: from.id !== pull.repository.id },
          },
        },
        requested_reviewer: null,
        repository: repo,
        sender: user(pull.login),
        commit_id: '',
        review: null,
      },
    };
  },

  /** Of an issue or a pull request: `is_pull` tells. No commit is named. */
  comment(one: PayloadComment): Payload {
    const page = `${one.repository.webUrl}/${one.repository.fullName}`;
    return {
      event: 'issue_comment',
      body: {
        action: one.action,
        ...(one.action === 'edited' && { changes: { body: { from: 'Before.' } } }),
        issue: {
          id: 700 + one.number,
          number: one.number,
          user: user('mira'),
          title: 'Teach the parser about tabs',
          state: 'open',
          pull_request: one.onPullRequest ? { merged: false, merged_at: null } : null,
        },
        comment: {
          id: one.id,
          html_url: `${page}/pulls/${one.number}#issuecomment-${one.id}`,
          user: user(one.login),
          body: one.body,
          created_at: '2026-03-01T12:00:00Z',
        },
        repository: repository(one.repository),
        sender: user(one.login),
        is_pull: one.onPullRequest,
      },
    };
  },
};

function repository(repo: PayloadRepository): Record<string, unknown> {
  const page = `${repo.webUrl}/${repo.fullName}`;
  const [owner = '', name = ''] = repo.fullName.split('/');
  return {
    id: repo.id,
    owner: user(owner),
    name,
    full_name: repo.fullName,
    description: '',
    empty: false,
    private: true,
    fork: false,
    template: false,
    parent: null,
    mirror: false,
    size: 312,
    language: '',
    html_url: page,
    url: `${repo.webUrl}/api/v1/repos/${repo.fullName}`,
    ssh_url: `git@forge.example:${repo.fullName}.git`,
    clone_url: `${page}.git`,
    default_branch: repo.defaultBranch,
    archived: false,
    created_at: '2026-01-10T08:00:00Z',
    updated_at: '2026-03-01T12:00:00Z',
    permissions: { admin: true, push: true, pull: true },
    has_issues: true,
    has_pull_requests: true,
    object_format_name: 'sha1',
    topics: null,
  };
}

/** Of the login alone, so that payloads and API agree. */
export function forgejoUserId(login: string): number {
  return [...login].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 1);
}

function user(login: string): Record<string, unknown> {
  return {
    id: forgejoUserId(login),
    login,
    login_name: '',
    source_id: 0,
    full_name: '',
    email: `${login}@noreply.forge.example`,
    avatar_url: `https://forge.example/avatars/${login}`,
    language: '',
    is_admin: false,
    visibility: 'public',
    username: login,
  };
}

function commit(repo: PayloadRepository, one: PayloadCommit, login: string): Record<string, unknown> {
  const author = { name: login, email: `${login}@example.org`, username: login };
  return {
    ...one,
    url: `${repo.webUrl}/${repo.fullName}/commit/${one.id}`,
    author,
    committer: author,
    verification: null,
  };
}
