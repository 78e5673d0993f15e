import { expect, test } from 'vitest';
import { sourceAttributes, taskResultOf } from './ci-attributes.js';

const commit = '1f0e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e';

test('a branch of a repository with an owner', () => {
  expect(sourceAttributes({ forge: 'code', repositoryName: 'octo/app', ref: 'refs/heads/feat/x', commit })).toEqual({
    'solstice.forge': 'code',
    'vcs.repository.name': 'app',
    'vcs.owner.name': 'octo',
    'vcs.ref.head.name': 'feat/x',
    'vcs.ref.head.type': 'branch',
    'vcs.ref.head.revision': commit,
  });
});

test('a tag of a repository without one', () => {
  const attributes = sourceAttributes({ forge: 'local', repositoryName: 'app', ref: 'refs/tags/v1', commit });
  expect(attributes).toMatchObject({
    'vcs.repository.name': 'app',
    'vcs.ref.head.name': 'v1',
    'vcs.ref.head.type': 'tag',
  });
  expect(attributes['vcs.owner.name']).toBeUndefined();
});

test.each([
  ['succeeded', 'success'],
  ['failed', 'failure'],
  ['timed_out', 'timeout'],
  ['cancelled', 'cancellation'],
  ['skipped', 'skip'],
  ['lost', 'error'],
  ['refused', 'error'],
])('%s is told as %s', (state, result) => {
  expect(taskResultOf(state)).toBe(result);
});
