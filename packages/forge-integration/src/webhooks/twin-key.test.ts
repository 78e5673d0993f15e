import type { PushEvent } from '@solstice/common/forge';
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

test('parts do not run into each other', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
      const moved = twinKeyOf(`${a}${b.slice(0, 1)}`, { ...event, ref: b.slice(1) });
      expect(twinKeyOf(a, { ...event, ref: b })).not.toBe(moved);
    }),
  );
});
