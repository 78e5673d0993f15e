/** A webhook as a forge sends it: the event's name, and a body with what the real one has in it. */
export interface Payload {
  event: string;
  body: Record<string, unknown>;
}

export interface PayloadRepository {
  id: number;
  /** `owner/name` */
  fullName: string;
  defaultBranch: string;
  /** Of the forge's pages: `https://github.com`. */
  webUrl: string;
}

export interface PayloadCommit {
  id: string;
  message: string;
  timestamp: string;
  added: string[];
  modified: string[];
  removed: string[];
}

export interface PayloadPush {
  repository: PayloadRepository;
  /** `refs/heads/main` */
  ref: string;
  before: string;
  after: string;
  forced: boolean;
  /** Oldest first. Empty for a deletion. */
  commits: PayloadCommit[];
  /** What the ref leads to; undefined for a deletion. */
  head: PayloadCommit | undefined;
  login: string;
}

export interface PayloadPullRequest {
  repository: PayloadRepository;
  number: number;
  action: string;
  title: string;
  headBranch: string;
  headCommit: string;
  /** Where the head is: a fork's, or null when it is gone. Default: the repository itself. */
  headRepository?: PayloadRepository | null;
  /** Default: the default branch. */
  baseBranch?: string;
  baseCommit: string;
  /** What an `edited` changed: the base branch (it was this), or the title. */
  previousBase?: string;
  login: string;
}

export interface PayloadComment {
  repository: PayloadRepository;
  /** Of the issue or pull request. */
  number: number;
  onPullRequest: boolean;
  action: string;
  id: number;
  body: string;
  login: string;
}

export const NO_COMMIT = '0'.repeat(40);

export function exampleRepository(overrides: Partial<PayloadRepository> = {}): PayloadRepository {
  return { id: 90210, fullName: 'team/tool', defaultBranch: 'main', webUrl: 'https://forge.example', ...overrides };
}

export function exampleCommit(overrides: Partial<PayloadCommit> = {}): PayloadCommit {
  return {
    id: '5d1f9c1a7b0e43c2a8f6d4e2b1c09a8877665544',
    message: 'Teach the parser about tabs\n\nThey were counted as one column.\n',
    timestamp: '2026-03-01T12:00:00Z',
    added: ['src/tabs.ts'],
    modified: ['src/parser.ts'],
    removed: [],
    ...overrides,
  };
}

export function examplePush(overrides: Partial<PayloadPush> = {}): PayloadPush {
  const head = exampleCommit();
  return {
    repository: exampleRepository(),
    ref: 'refs/heads/main',
    before: '1c0ffee1c0ffee1c0ffee1c0ffee1c0ffee1c0ff',
    after: head.id,
    forced: false,
    commits: [head],
    head,
    login: 'mira',
    ...overrides,
  };
}

export function exampleComment(overrides: Partial<PayloadComment> = {}): PayloadComment {
  return {
    repository: exampleRepository(),
    number: 7,
    onPullRequest: true,
    action: 'created',
    id: 3001,
    body: '/bench now\r\n\r\nPlease.',
    login: 'mira',
    ...overrides,
  };
}

export function examplePullRequest(overrides: Partial<PayloadPullRequest> = {}): PayloadPullRequest {
  return {
    repository: exampleRepository(),
    number: 7,
    action: 'opened',
    title: 'Teach the parser about tabs',
    headBranch: 'tabs',
    headCommit: exampleCommit().id,
    baseCommit: '1c0ffee1c0ffee1c0ffee1c0ffee1c0ffee1c0ff',
    login: 'mira',
    ...overrides,
  };
}
