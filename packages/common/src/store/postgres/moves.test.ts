import { describe, expect, it } from 'vitest';
import type { FlowEventBody } from '../../flow/index.js';
import { movesOf } from './moves.js';

describe('movesOf', () => {
  it('leaves the last state of each row to its update, and a new attempt’s first state to its insert', () => {
    const bodies: FlowEventBody[] = [
      { kind: 'attempt.ended', attemptId: 'r/a/1', state: 'lost' },
      { kind: 'node.readied', nodeId: 'a' },
      {
        kind: 'attempt.queued',
        attemptId: 'r/a/2',
        nodeId: 'a',
        number: 2,
        pool: 'default',
        notBefore: 0,
        avoidHosts: [],
      },
      { kind: 'attempt.ended', attemptId: 'r/a/2', state: 'cancelled' },
      { kind: 'node.ended', nodeId: 'a', state: 'cancelled' },
      { kind: 'run.started' },
      { kind: 'run.ended', state: 'cancelled' },
    ];
    const moves = movesOf(bodies.map((body, index) => ({ seq: index + 1, at: 0, ...body })));
    expect(moves.runOnTheWay).toEqual(['running']);
    expect([...moves.nodesOnTheWay]).toEqual([['a', ['ready']]]);
    expect([...moves.attemptsOnTheWay]).toEqual([]);
    expect([...moves.queuedAttempts]).toEqual(['r/a/2']);
    expect([...moves.nodes]).toEqual(['a']);
  });
});
