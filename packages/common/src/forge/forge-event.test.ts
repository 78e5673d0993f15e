import { expect, test } from 'vitest';
import { isCommitId, isZeroCommit } from './commit-id.js';
import { branchOf, forgeEventSchema, type PushEvent, shortRefOf } from './forge-event.js';

const push: PushEvent = {
  kind: 'forge.push.v1',
  repository: { forgeRepositoryId: '7', name: 'team/tool' },
  ref: 'refs/heads/main',
  before: 'a'.repeat(40),
  after: 'b'.repeat(40),
  created: false,
  deleted: false,
  forced: false,
  pusher: { login: 'mira' },
};

test('an event survives its JSON form, and a word that nobody knows is refused', () => {
  expect(forgeEventSchema.parse(JSON.parse(JSON.stringify(push)))).toEqual(push);
  expect(forgeEventSchema.safeParse({ ...push, kind: 'forge.push.v2' }).success).toBe(false);
  expect(forgeEventSchema.safeParse({ ...push, extra: 1 }).success).toBe(false);
});

test('branches keep their slashes; tags and others are no branches', () => {
  expect(branchOf('refs/heads/release/1.x')).toBe('release/1.x');
  expect(branchOf('refs/tags/main')).toBeUndefined();
  expect(shortRefOf('refs/tags/v1')).toBe('v1');
  expect(shortRefOf('refs/heads/a/b')).toBe('a/b');
  expect(shortRefOf('refs/pull/1/head')).toBe('refs/pull/1/head');
});

test('commit ids are 40 or 64 lower-case hex digits', () => {
  expect(isCommitId('a1'.repeat(20))).toBe(true);
  expect(isCommitId('a1'.repeat(32))).toBe(true);
  for (const text of ['', 'main', 'A'.repeat(40), 'a'.repeat(39), `${'a'.repeat(40)}\n`, '-'.repeat(40)]) {
    expect(isCommitId(text)).toBe(false);
  }
  expect(isZeroCommit('0'.repeat(40))).toBe(true);
  expect(isZeroCommit(`${'0'.repeat(39)}1`)).toBe(false);
});
