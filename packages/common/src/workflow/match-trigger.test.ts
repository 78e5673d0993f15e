import { describe, expect, it } from 'vitest';
import type { CommentEvent, PullRequestEvent, PushEvent } from '../forge/index.js';
import { type ChangedFiles, dependsOnPaths, matchTrigger } from './match-trigger.js';
import { parseWorkflow } from './parse-workflow.js';
import type { Workflow } from './workflow.js';

function workflow(triggers: string): Workflow {
  const parsed = parseWorkflow(`workflow "w" {\n${triggers}\njob a { step run="true"; }\n}`, {
    file: 'w.kdl',
  }).workflow;
  if (parsed === undefined) throw new Error('the test has a bad workflow');
  return parsed;
}

function push(ref: string, more: Partial<PushEvent> = {}): PushEvent {
  return {
    kind: 'forge.push.v1',
    repository: { forgeRepositoryId: '1', name: 'ada/app' },
    ref,
    before: '0'.repeat(40),
    after: '1'.repeat(40),
    created: false,
    deleted: false,
    forced: false,
    pusher: { login: 'ada' },
    ...more,
  };
}

describe('matchTrigger', () => {
  it('without branches: every branch', () => {
    expect(matchTrigger(workflow('on "push"'), push('refs/heads/any/thing'))).toEqual({ matched: true });
  });

  it.each(['main', 'release/1.0'])('by pattern: %s', (branch) => {
    const wanting = workflow('on "push" branches="main release/*"');
    expect(matchTrigger(wanting, push(`refs/heads/${branch}`))).toEqual({ matched: true });
  });

  it('says what it wanted', () => {
    const wanting = workflow('on "push" branches="main release/*"');
    expect(matchTrigger(wanting, push('refs/heads/feature/x'))).toEqual({
      matched: false,
      reason: 'on "push" wants branches main, release/*; this is feature/x',
    });
    expect(matchTrigger(workflow('on "push" branches="main"'), push('refs/heads/x'))).toEqual({
      matched: false,
      reason: 'on "push" wants branch main; this is x',
    });
  });

  it('takes several triggers as alternatives', () => {
    const wanting = workflow('on "push" branches="main"\non "push" branches="next"');
    expect(matchTrigger(wanting, push('refs/heads/next'))).toEqual({ matched: true });
    expect(matchTrigger(wanting, push('refs/heads/x'))).toMatchObject({
      reason: 'on "push" wants branches main, next; this is x',
    });
  });

  it('leaves tags, other refs and deletions alone', () => {
    const any = workflow('on "push"');
    expect(matchTrigger(any, push('refs/tags/v1'))).toEqual({
      matched: false,
      reason: 'it has no on "tag"; this is tag v1',
    });
    expect(matchTrigger(any, push('refs/notes/x'))).toEqual({
      matched: false,
      reason: 'on "push" is for branches; this is refs/notes/x',
    });
    expect(matchTrigger(any, push('refs/heads/main', { deleted: true }))).toEqual({
      matched: false,
      reason: 'on "push" is not for deletions; main was deleted',
    });
  });

  it('says when nothing starts a workflow', () => {
    expect(matchTrigger(workflow(''), push('refs/heads/main'))).toEqual({
      matched: false,
      reason: 'it has no on "push"',
    });
  });
});

const files = (...paths: string[]): ChangedFiles => ({ kind: 'files', paths });

describe('paths', () => {
  const wanting = workflow('on "push" branches="main" paths="src/** Cargo.lock" ignore="**/*.md"');
  const main = push('refs/heads/main');

  it.each([
    [['src/a/b.rs'], true],
    [['docs/x', 'Cargo.lock'], true],
    [['src/a.md', 'src/b.rs'], true],
    [['src/a.md'], false],
    [['docs/a'], false],
    [[], false],
  ] as const)('%j: %s', (paths, matched) => {
    expect(matchTrigger(wanting, main, files(...paths)).matched).toBe(matched);
  });

  it('say what changed', () => {
    const reason = (given: Workflow, ...paths: string[]) => {
      const match = matchTrigger(given, main, files(...paths));
      return match.matched ? undefined : match.reason;
    };
    expect(reason(wanting, 'a', 'b', 'c', 'd', 'e.md')).toBe(
      'on "push" wants src/**, Cargo.lock; a, b, c and 1 more changed',
    );
    expect(reason(wanting, 'src/e.md')).toBe('on "push" ignores the file that changed');
    expect(reason(workflow('on "push" ignore="docs/**"'), 'docs/a', 'docs/b')).toBe(
      'on "push" ignores all 2 files that changed',
    );
    expect(reason(wanting)).toBe('on "push" wants changed files; there are none');
  });

  it('keep nothing back when nobody can tell what changed, and it is said', () => {
    expect(matchTrigger(wanting, main, { kind: 'unknown', reason: 'too many' })).toEqual({
      matched: true,
      note: 'runs whatever its paths say: too many',
    });
    expect(matchTrigger(wanting, push('refs/heads/x'), { kind: 'unknown', reason: 'too many' }).matched).toBe(false);
  });

  it('are asked about only where they decide', () => {
    expect(dependsOnPaths(wanting, main)).toBe(true);
    expect(dependsOnPaths(wanting, push('refs/heads/x'))).toBe(false);
    expect(dependsOnPaths(workflow('on "push" paths="a"\non "push"'), main)).toBe(false);
    expect(dependsOnPaths(workflow('on "push"'), main)).toBe(false);
    expect(dependsOnPaths(workflow('on "push" ignore="a"'), main)).toBe(true);
    expect(matchTrigger(wanting, main)).toEqual({ matched: true });
  });

  it('of one trigger don\u2019t stand in the way of another', () => {
    const two = workflow('on "push" paths="a"\non "push" branches="main" paths="b"');
    expect(matchTrigger(two, main, files('b'))).toEqual({ matched: true });
    expect(matchTrigger(two, main, files('c'))).toEqual({
      matched: false,
      reason: 'on "push" wants a; c changed; on "push" wants b; c changed',
    });
  });
});

describe('tags, pull requests, comments', () => {
  const repository = { forgeRepositoryId: '1', name: 'ada/app' };
  const pull = (base: string): PullRequestEvent => ({
    kind: 'forge.pull_request.v1',
    repository,
    number: 7,
    action: 'opened',
    head: { forgeRepositoryId: '1', branch: 'topic', commit: '1'.repeat(40) },
    base: { branch: base, commit: '2'.repeat(40) },
    author: { login: 'ada' },
    sender: { login: 'ada' },
  });
  const comment = (line: string): CommentEvent => ({
    kind: 'forge.comment.v1',
    repository,
    number: 7,
    commentId: '1',
    author: { login: 'ada' },
    line,
  });

  it('tags by their short names', () => {
    expect(matchTrigger(workflow('on "tag"'), push('refs/tags/any/v1'))).toEqual({ matched: true });
    expect(matchTrigger(workflow('on "tag" match="v*"'), push('refs/tags/v1'))).toEqual({ matched: true });
    expect(matchTrigger(workflow('on "tag" match="v* w?"'), push('refs/tags/x1'))).toEqual({
      matched: false,
      reason: 'on "tag" wants v*, w?; this is x1',
    });
    expect(matchTrigger(workflow('on "tag"'), push('refs/tags/v1', { deleted: true })).matched).toBe(false);
    expect(matchTrigger(workflow('on "tag"'), push('refs/heads/v1')).matched).toBe(false);
    expect(matchTrigger(workflow('on "push"'), push('refs/tags/main')).matched).toBe(false);
  });

  it('pull requests by the branch that they are merged into', () => {
    const wanting = workflow('on "pull_request" branches="main" paths="src/**"');
    expect(matchTrigger(wanting, pull('main'), files('src/a'))).toEqual({ matched: true });
    expect(matchTrigger(wanting, pull('main'), files('b')).matched).toBe(false);
    expect(matchTrigger(wanting, pull('topic'), files('src/a'))).toEqual({
      matched: false,
      reason: 'on "pull_request" wants branch main; this one is into topic',
    });
    expect(matchTrigger(workflow('on "push"'), pull('main'))).toMatchObject({ reason: 'it has no on "pull_request"' });
    expect(matchTrigger(wanting, push('refs/heads/main')).matched).toBe(false);
  });

  it.each([
    ['/bench', true],
    ['/bench now', true],
    ['  /bench   fast ', true],
    ['/benchmark', false],
    ['please /bench', false],
    ['/BENCH', false],
  ])('the comment %j: %s', (line, matched) => {
    expect(matchTrigger(workflow('on "comment" match="/bench"'), comment(line)).matched).toBe(matched);
  });

  it('by hand starts nothing by itself', () => {
    const manual = workflow('on "manual"');
    for (const event of [push('refs/heads/main'), push('refs/tags/v1'), pull('main'), comment('/bench')]) {
      expect(matchTrigger(manual, event).matched).toBe(false);
    }
  });
});
