import { forgeEventSchema } from '@solstice/common/forge';
import {
  exampleComment,
  exampleCommit,
  examplePullRequest,
  examplePush,
  exampleRepository,
  forgejoPayloads,
  githubPayloads,
  NO_COMMIT,
  type Payload,
  type PayloadPullRequest,
} from '@solstice/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normaliseForgejo } from './forgejo/forgejo-payloads.js';
import { normaliseGit } from './git/git-webhook.js';
import { normaliseGithub } from './github/github-payloads.js';

const repository = exampleRepository();
const pushed = examplePush();
const tagged = examplePush({ ref: 'refs/tags/v1.2', before: NO_COMMIT, after: 'd'.repeat(40), commits: [] });
const deleted = examplePush({ after: NO_COMMIT, commits: [], head: undefined });

describe.each([
  ['github', normaliseGithub, githubPayloads],
  ['forgejo', normaliseForgejo, forgejoPayloads],
] as const)('%s', (kind, normalise, payloads) => {
  const of = ({ event, body }: Payload) => normalise(event, JSON.parse(JSON.stringify(body)));

  test('push', () => {
    const result = of(payloads.push({ ...pushed, forced: true }));
    expect(result).toEqual({
      kind: 'event',
      event: {
        kind: 'forge.push.v1',
        repository: {
          forgeRepositoryId: '90210',
          name: 'team/tool',
          defaultBranch: 'main',
          cloneUrl: 'https://forge.example/team/tool.git',
        },
        ref: 'refs/heads/main',
        before: pushed.before,
        after: pushed.after,
        created: false,
        deleted: false,
        // Forgejo doesn't say.
        forced: kind === 'github',
        pusher: { login: 'mira', id: expect.stringMatching(/^\d+$/) },
        title: 'Teach the parser about tabs',
      },
    });
    if (result.kind === 'event') expect(forgeEventSchema.parse(result.event)).toEqual(result.event);
  });

  test('tag push: the commit, not the tag object', () => {
    expect(of(payloads.push(tagged))).toMatchObject({
      kind: 'event',
      event: { ref: 'refs/tags/v1.2', created: true, after: exampleCommit().id },
    });
  });

  test('branch deletion', () => {
    expect(of(payloads.push(deleted))).toMatchObject({ kind: 'event', event: { deleted: true, after: NO_COMMIT } });
  });

  test('delete is told by the push', () => {
    expect(of(payloads.delete(repository, 'tabs', 'branch', 'mira'))).toMatchObject({
      kind: 'ignored',
      reason: 'delete: the push event tells the same',
      repository: { forgeRepositoryId: '90210' },
    });
  });

  const pull = examplePullRequest();
  const pullOf = (overrides: Partial<PayloadPullRequest> = {}) =>
    of(payloads.pullRequest(examplePullRequest(overrides)));
  const synchronised = kind === 'github' ? 'synchronize' : 'synchronized';

  test('pull request', () => {
    const result = pullOf();
    expect(result).toEqual({
      kind: 'event',
      event: {
        kind: 'forge.pull_request.v1',
        repository: expect.objectContaining({ forgeRepositoryId: '90210', name: 'team/tool' }),
        number: 7,
        action: 'opened',
        head: { forgeRepositoryId: '90210', branch: 'tabs', commit: pull.headCommit },
        base: { branch: 'main', commit: pull.baseCommit },
        author: { login: 'mira', id: expect.stringMatching(/^\d+$/) },
        sender: { login: 'mira', id: expect.stringMatching(/^\d+$/) },
        title: 'Teach the parser about tabs',
      },
    });
    if (result.kind === 'event') expect(forgeEventSchema.parse(result.event)).toEqual(result.event);
  });

  test.each([
    ['opened', {}, 'opened'],
    ['reopened', {}, 'reopened'],
    [synchronised, {}, 'updated'],
    ['edited', { previousBase: 'next' }, 'retargeted'],
  ])('pull request %s %j: %s', (action, more, ours) => {
    expect(pullOf({ action, ...more })).toMatchObject({ kind: 'event', event: { action: ours } });
  });

  test.each(['closed', 'edited', 'labeled', 'label_updated', 'assigned', 'ready_for_review', 'toString', ''])(
    'pull request %j is the same code',
    (action) => {
      expect(pullOf({ action })).toMatchObject({
        kind: 'ignored',
        reason: expect.stringContaining('its code is the same'),
        repository: { name: 'team/tool' },
      });
    },
  );

  test('a fork, and one that is gone, are told from the repository by its number', () => {
    const fork = exampleRepository({ id: 555, fullName: 'eve/tool' });
    expect(pullOf({ headRepository: fork })).toMatchObject({ event: { head: { forgeRepositoryId: '555' } } });
    const gone = pullOf({ headRepository: null });
    expect(gone).toMatchObject({ kind: 'event' });
    if (gone.kind === 'event') expect(gone.event).not.toHaveProperty('head.forgeRepositoryId');
    // A name is given to whoever wants it.
    const renamed = exampleRepository({ id: 555 });
    expect(pullOf({ headRepository: renamed })).toMatchObject({ event: { head: { forgeRepositoryId: '555' } } });
  });

  test('a pull request of another repository than the event names, or without commits, is none', () => {
    const { body, event } = payloads.pullRequest(examplePullRequest());
    const changed = (edit: (pull: { head: Record<string, unknown>; base: Record<string, unknown> }) => void) => {
      const copy = JSON.parse(JSON.stringify(body)) as { pull_request: Parameters<typeof edit>[0] };
      edit(copy.pull_request);
      return normalise(event, copy);
    };
    expect(changed(({ base }) => Object.assign(base, { repo: { id: 1 } }))).toMatchObject({ kind: 'malformed' });
    expect(changed(({ base }) => Object.assign(base, { repo: null }))).toMatchObject({ kind: 'malformed' });
    for (const sha of ['', 'HEAD', NO_COMMIT]) {
      expect(changed(({ head }) => Object.assign(head, { sha }))).toMatchObject({ kind: 'malformed' });
    }
    for (const ref of ['', 'a..b', '-', 'x\u0000', '../main'].filter((one) => one !== '-')) {
      expect(changed(({ head }) => Object.assign(head, { ref }))).toMatchObject({ kind: 'malformed' });
    }
  });

  test('comment: its first line, and who wrote it', () => {
    const result = of(payloads.comment(exampleComment({ body: '\r\n  /bench now\r\nmore' })));
    expect(result).toEqual({
      kind: 'event',
      event: {
        kind: 'forge.comment.v1',
        repository: expect.objectContaining({ forgeRepositoryId: '90210' }),
        number: 7,
        commentId: '3001',
        author: { login: 'mira', id: expect.stringMatching(/^\d+$/) },
        line: '/bench now',
      },
    });
    if (result.kind === 'event') expect(forgeEventSchema.parse(result.event)).toEqual(result.event);
  });

  test.each([
    [{ onPullRequest: false }, /issue 7/],
    [{ action: 'edited' }, /only new ones/],
    [{ action: 'deleted' }, /only new ones/],
    [{ body: ' \r\n ' }, /without words/],
  ] as const)('comment %j starts nothing', (overrides, reason) => {
    expect(of(payloads.comment(exampleComment(overrides)))).toMatchObject({
      kind: 'ignored',
      reason: expect.stringMatching(reason),
      repository: { name: 'team/tool' },
    });
  });

  test('no payload of these makes it throw either', () => {
    const anything = fc.jsonValue({ maxDepth: 3 });
    const paths = fc.constantFrom(
      'action',
      'number',
      'repository',
      'sender',
      'changes',
      'is_pull',
      'pull_request',
      'pull_request.head',
      'pull_request.head.repo',
      'pull_request.base',
      'pull_request.base.ref',
      'issue',
      'issue.pull_request',
      'comment',
      'comment.user',
      'comment.body',
    );
    const bodies = [payloads.pullRequest(examplePullRequest()), payloads.comment(exampleComment())];
    fc.assert(
      fc.property(
        fc.constantFrom(...bodies),
        fc.array(fc.tuple(paths, anything), { maxLength: 3 }),
        (payload, edits) => {
          const body = JSON.parse(JSON.stringify(payload.body)) as Record<string, unknown>;
          for (const [path, value] of edits) {
            const keys = path.split('.');
            const last = keys.pop() as string;
            const inner = keys.reduce<unknown>((at, key) => (at as Record<string, unknown> | null)?.[key], body);
            if (typeof inner === 'object' && inner !== null) Object.assign(inner, { [last]: value });
          }
          const result = normalise(payload.event, body);
          if (result.kind === 'event') expect(forgeEventSchema.parse(result.event)).toEqual(result.event);
          else expect(result.reason).not.toBe('');
        },
      ),
    );
  });

  test('no payload makes it throw, and every event it makes is a proper one', () => {
    const anything = fc.jsonValue({ maxDepth: 3 });
    const fields = fc.constantFrom(
      'ref',
      'before',
      'after',
      'repository',
      'pusher',
      'sender',
      'head_commit',
      'forced',
      '__proto__',
    );
    const changes = fc.array(fc.tuple(fields, anything), { maxLength: 3 });
    fc.assert(
      fc.property(fc.constantFrom(pushed, tagged, deleted), changes, (push, edits) => {
        const body: Record<string, unknown> = { ...payloads.push(push).body };
        for (const [field, value] of edits) body[field] = value;
        const result = normalise('push', body);
        if (result.kind === 'event') expect(forgeEventSchema.parse(result.event)).toEqual(result.event);
        else expect(result.reason).not.toBe('');
      }),
    );
    fc.assert(
      fc.property(fc.option(fc.string(), { nil: undefined }), anything, (event, body) => {
        expect(normalise(event, body).kind).not.toBe('event');
      }),
    );
  });
});

test('GitHub: create and ping', () => {
  const of = ({ event, body }: Payload) => normaliseGithub(event, body);
  expect(of(githubPayloads.create(repository, 'v1', 'tag', 'mira'))).toMatchObject({ kind: 'ignored' });
  expect(of(githubPayloads.ping(repository, 'mira'))).toMatchObject({
    kind: 'ignored',
    reason: 'ping: the webhook works',
    repository: { name: 'team/tool' },
  });
  expect(of(githubPayloads.ping(undefined, 'mira'))).toMatchObject({ kind: 'ignored', repository: undefined });
});

test('Forgejo: create, and the test button', () => {
  const of = ({ event, body }: Payload) => normaliseForgejo(event, body);
  expect(of(forgejoPayloads.create(repository, 'refs/tags/v1', 'tag', 'a'.repeat(40), 'mira'))).toMatchObject({
    kind: 'ignored',
  });
  expect(of(forgejoPayloads.testPush(repository, exampleCommit(), 'mira'))).toMatchObject({
    kind: 'ignored',
    reason: expect.stringContaining('test delivery'),
  });
});

describe('git hook', () => {
  const push = {
    repository: 'hello',
    ref: 'refs/heads/main',
    before: NO_COMMIT,
    after: 'a'.repeat(40),
    pusher: 'mira',
    title: 'One',
  };

  test('push', () => {
    expect(normaliseGit('push', push)).toEqual({
      kind: 'event',
      event: {
        kind: 'forge.push.v1',
        repository: { forgeRepositoryId: 'hello', name: 'hello' },
        ref: 'refs/heads/main',
        before: NO_COMMIT,
        after: 'a'.repeat(40),
        created: true,
        deleted: false,
        forced: false,
        pusher: { login: 'mira' },
        title: 'One',
      },
    });
  });

  test('our own message is read strictly', () => {
    expect(normaliseGit('push', { ...push, extra: 1 })).toMatchObject({ kind: 'malformed' });
    expect(normaliseGit('push', { ...push, pusher: undefined })).toMatchObject({ kind: 'malformed' });
    expect(normaliseGit('tag', push)).toMatchObject({ kind: 'ignored', repository: { name: 'hello' } });
  });

  test('no payload makes it throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        expect(normaliseGit('push', body).kind).toBe('malformed');
      }),
    );
  });
});
