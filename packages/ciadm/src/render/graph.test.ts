import type { NodeView } from '@solstice/api';
import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import { graphLines, stagesOf } from './graph.js';

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

const view = (id: string, state: NodeView['state'], needs: string[], more: Partial<NodeView> = {}): NodeView => ({
  ...{ id, name: id, kind: 'job', state, needs, stepNames: [], attempts: [], ...more },
});
const drawn = (...nodes: NodeView[]) => graphLines(nodes, createColors(false));

test('what stands in a branch is drawn under it, also a branch in a branch; what follows a failure comes last', () => {
  const inside = (id: string, side: 'then' | 'else') => ({ branch: { id, side } });
  expect(
    drawn(
      view('tell', 'waiting', [], { onFailure: true }),
      view('build', 'succeeded', [], { reusedFrom: { runId: 'r', number: 7 } }),
      view('outer', 'succeeded', ['build'], { kind: 'branch', taken: 'then' }),
      view('inner', 'running', ['outer'], { kind: 'branch', ...inside('outer', 'then') }),
      view('deep', 'waiting', ['inner'], inside('inner', 'else')),
      view('other', 'skipped', ['outer'], inside('outer', 'else')),
      view('last', 'waiting', ['outer', 'inner', 'deep', 'other']),
    ),
  ).toEqual([
    '  1  build succeeded (of run 7)',
    '  2  outer took then',
    '     then  inner running',
    '           else  deep waiting',
    '     else  other skipped',
    '  3  last waiting',
    '  !  tell waiting',
  ]);
});

test('a name cannot draw over others', () => {
  expect(drawn(view('a\u001b[2J\nb', 'ready', []))).toEqual(['  1  a b ready']);
});
