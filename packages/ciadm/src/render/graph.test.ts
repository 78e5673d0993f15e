import { expect, test } from 'vitest';
import { stagesOf } from './graph.js';

const ids = (nodes: { id: string; needs: string[] }[]) => stagesOf(nodes).map((stage) => stage.map(({ id }) => id));

test('a job stands behind the furthest of its needs, whatever order they are written in', () => {
  expect(
    ids([
      { id: 'ship', needs: ['build', 'lint'] },
      { id: 'lint', needs: [] },
      { id: 'build', needs: ['lint', 'fetch'] },
      { id: 'fetch', needs: [] },
    ]),
  ).toEqual([['lint', 'fetch'], ['build'], ['ship']]);
});

test('nothing gives nothing, and a cycle ends', () => {
  expect(ids([])).toEqual([]);
  expect(
    ids([
      { id: 'a', needs: ['b'] },
      { id: 'b', needs: ['a'] },
    ]).flat().length,
  ).toBe(2);
});
