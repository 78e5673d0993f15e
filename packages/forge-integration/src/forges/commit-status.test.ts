import { expect, test } from 'vitest';
import { commitStatusOf, ownerAndName } from './commit-status.js';

test.each([
  ['pending', 'pending'],
  ['running', 'pending'],
  ['succeeded', 'success'],
  ['failed', 'failure'],
  ['timed_out', 'failure'],
  ['cancelled', 'error'],
  ['error', 'error'],
] as const)('%s is shown as %s', (state, shown) => {
  expect(commitStatusOf('solstice/A', { state, title: 't', text: '', pageKey: undefined }, undefined)).toEqual({
    state: shown,
    context: 'solstice/A',
    description: 't',
  });
});

test('both APIs take what comes out', () => {
  const check = { state: 'failed' as const, title: `😀${'x'.repeat(300)}\n`, text: '', pageKey: undefined };
  const status = commitStatusOf(`solstice/${'y'.repeat(300)}`, check, 'http://ci/runs/k');
  expect(status.description).toHaveLength(140);
  expect(status.context).toHaveLength(255);
  expect(status.target_url).toBe('http://ci/runs/k');
});

test('a repository is owner/name', () => {
  expect(ownerAndName('a/b')).toEqual({ owner: 'a', repo: 'b' });
  for (const name of ['a', 'a/', '/b', 'a/b/c', '']) expect(ownerAndName(name)).toBeUndefined();
});
