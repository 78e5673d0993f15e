import { forgeEventSchema } from '@solstice/common/forge';
import {
  exampleCommit,
  examplePullRequest,
  examplePush,
  exampleRepository,
  forgejoPayloads,
  githubPayloads,
  NO_COMMIT,
  type Payload,
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

  test('pull requests are not used yet, and say so', () => {
    expect(of(payloads.pullRequest(examplePullRequest()))).toMatchObject({
      kind: 'ignored',
      reason: 'pull_request: not used by this version',
      repository: { name: 'team/tool' },
    });
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
