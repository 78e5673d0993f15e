import { expect, it } from 'vitest';
import { attemptIdOf, parseAttemptId } from '../flow/index.js';
import { cellIds } from './cell-ids.js';

it('are readable, and need no quoting anywhere', () => {
  const ids = cellIds('test', [
    { os: 'ubuntu-22.04', rust: 'stable' },
    { os: 'illumos', rust: '1.79.0' },
    { os: 'a b/c', rust: '' },
  ]);
  expect(ids).toEqual(['test.ubuntu-22.04.stable', 'test.illumos.1.79.0', 'test.a-b-c.-']);
  for (const id of ids) {
    expect(encodeURIComponent(id)).toBe(id);
    expect(parseAttemptId(attemptIdOf('run', id, 2))).toEqual({ runId: 'run', nodeId: id, number: 2 });
  }
});

it('differ, though the values look the same without what an id cannot have', () => {
  expect(cellIds('t', [{ a: 'x y' }, { a: 'x-y' }, { a: 'x-y-2' }, { a: 'x/y' }])).toEqual([
    't.x-y',
    't.x-y-2',
    't.x-y-2-2',
    't.x-y-3',
  ]);
});

it('stay short', () => {
  const long = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`axis${index}`, 'v'.repeat(100)]));
  const [one = '', two = ''] = cellIds('t'.repeat(63), [long, { ...long }]);
  expect(one.length).toBeLessThan(160);
  expect(two).toBe(`${one}-2`);
});
