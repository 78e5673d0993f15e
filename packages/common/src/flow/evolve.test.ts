import { describe, expect, it } from 'vitest';
import { evolve, evolveAll, replay } from './evolve.js';
import type { FlowEvent, FlowEventBody } from './messages.js';
import { Flow, job, spec } from './testing/flows.js';

describe('a log that cannot be', () => {
  const planned: FlowEvent = { seq: 1, at: 0, kind: 'run.planned', runId: 'r1', spec: spec(job('a')) };
  const flow = new Flow(spec(job('a'), job('b', ['a'])));
  const next = (body: FlowEventBody): FlowEvent => ({ seq: flow.state.seq + 1, at: 0, ...body });

  it.each<[string, FlowEventBody]>([
    ['a start before the claim', { kind: 'attempt.started', attemptId: 'r1/a/1' }],
    ['an unknown attempt', { kind: 'attempt.started', attemptId: 'r1/z/1' }],
    ['an unknown node', { kind: 'node.readied', nodeId: 'z' }],
    ['a node readied twice', { kind: 'node.readied', nodeId: 'a' }],
    ['a waiting node that succeeds', { kind: 'node.ended', nodeId: 'b', state: 'succeeded' }],
    ['a queued run that succeeds', { kind: 'run.ended', state: 'succeeded' }],
    [
      'a second live attempt',
      {
        ...{ kind: 'attempt.queued', attemptId: 'r1/a/2', nodeId: 'a', number: 2 },
        ...{ pool: 'default', notBefore: 0, avoidHosts: [] },
      },
    ],
    [
      'an attempt of a node that waits',
      {
        ...{ kind: 'attempt.queued', attemptId: 'r1/b/1', nodeId: 'b', number: 1 },
        ...{ pool: 'default', notBefore: 0, avoidHosts: [] },
      },
    ],
  ])('has %s', (_name, body) => {
    expect(() => evolve(flow.state, next(body))).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('has a hole, no beginning, or two', () => {
    expect(() => replay([])).toThrow();
    expect(() => evolve(undefined, next({ kind: 'run.started' }))).toThrow();
    expect(() => evolve(flow.state, { ...next({ kind: 'node.started', nodeId: 'a' }), seq: 9 })).toThrow();
    expect(() => replay([planned, { ...planned, seq: 2 }])).toThrow();
    expect(() => replay([{ ...planned, seq: 2 }])).toThrow();
  });

  it('may be continued by nothing', () => {
    expect(evolveAll(flow.state, [])).toEqual(flow.state);
  });
});
