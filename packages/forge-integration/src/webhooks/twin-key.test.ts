import type { CommentEvent, PullRequestEvent, PushEvent } from '@solstice/common/forge';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { twinKeyOf } from './twin-key.js';

const event: PushEvent = {
  kind: 'forge.push.v1',
  repository: { forgeRepositoryId: '1', name: 'team/tool' },
  ref: 'refs/heads/main',
  before: 'a'.repeat(40),
  after: 'b'.repeat(40),
  created: false,
  deleted: false,
  forced: false,
  pusher: { login: 'mira' },
};

test('twins tell of the same change, whoever tells it and whatever the repository is called by now', () => {
  const told = {
    ...event,
    pusher: { login: 'ada' },
    title: 'x',
    repository: { forgeRepositoryId: '1', name: 'team/new-name' },
  };
  expect(twinKeyOf('r1', told)).toBe(twinKeyOf('r1', event));
});

test('another repository, ref or commit is another change', () => {
  const keys = [
    twinKeyOf('r1', event),
    twinKeyOf('r2', event),
    twinKeyOf('r1', { ...event, ref: 'refs/heads/other' }),
    twinKeyOf('r1', { ...event, before: 'c'.repeat(40) }),
    twinKeyOf('r1', { ...event, after: 'c'.repeat(40) }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

const pull: PullRequestEvent = {
  kind: 'forge.pull_request.v1',
  repository: event.repository,
  number: 7,
  action: 'opened',
  head: { forgeRepositoryId: '1', branch: 'tabs', commit: 'b'.repeat(40) },
  base: { branch: 'main', commit: 'a'.repeat(40) },
  author: { login: 'mira' },
  sender: { login: 'mira' },
};
const comment: CommentEvent = {
  kind: 'forge.comment.v1',
  repository: event.repository,
  number: 7,
  commentId: '1',
  author: { login: 'mira' },
  line: '/bench',
};

test('a pull request: whoever tells it; another number, action, base or head is another change', () => {
  expect(twinKeyOf('r1', { ...pull, sender: { login: 'ada' }, title: 'x' })).toBe(twinKeyOf('r1', pull));
  const keys = [
    twinKeyOf('r1', pull),
    twinKeyOf('r2', pull),
    twinKeyOf('r1', { ...pull, number: 8 }),
    twinKeyOf('r1', { ...pull, action: 'reopened' }),
    twinKeyOf('r1', { ...pull, base: { ...pull.base, branch: 'next' } }),
    twinKeyOf('r1', { ...pull, base: { ...pull.base, commit: 'c'.repeat(40) } }),
    twinKeyOf('r1', { ...pull, head: { ...pull.head, commit: 'c'.repeat(40) } }),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});

test('a comment is itself: the same words again are another', () => {
  expect(twinKeyOf('r1', { ...comment, line: '/other' })).toBe(twinKeyOf('r1', comment));
  expect(twinKeyOf('r1', { ...comment, commentId: '2' })).not.toBe(twinKeyOf('r1', comment));
  expect(twinKeyOf('r1', { ...comment, number: 8 })).not.toBe(twinKeyOf('r1', comment));
});

test('parts do not run into each other', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
      const moved = twinKeyOf(`${a}${b.slice(0, 1)}`, { ...event, ref: b.slice(1) });
      expect(twinKeyOf(a, { ...event, ref: b })).not.toBe(moved);
    }),
  );
});
