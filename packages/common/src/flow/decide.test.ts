import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { effects } from './effects.js';
import { replay } from './evolve.js';
import { Flow, job, spec } from './testing/flows.js';

const kinds = (events: readonly { kind: string }[]): string[] => events.map((event) => event.kind);

describe('plan', () => {
  it('readies what needs nothing', () => {
    const flow = new Flow(spec(job('a'), job('b', ['a'])));
    expect(kinds(flow.log)).toEqual(['run.planned', 'node.readied', 'attempt.queued']);
    expect(flow.nodeStates()).toEqual({ a: 'ready', b: 'waiting' });
    expect(flow.state.state).toBe('queued');
    expect(effects(flow.state, flow.log)).toEqual([{ kind: 'job', version: 1, pool: 'default', attemptId: 'r1/a/1' }]);
  });

  it.each([
    ['no job', spec()],
    ['a circle', spec(job('a', ['b']), job('b', ['a']))],
    ['itself', spec(job('a', ['a']))],
    ['an unknown need', spec(job('a', ['z']))],
    ['a doubled id', spec(job('a'), job('a'))],
  ])('refuses what could never end: %s', (_name, bad) => {
    expect(decide(undefined, { kind: 'plan', runId: 'r1', spec: bad }, 0)).toMatchObject({ refused: true });
  });

  it('refuses to plan twice', () => {
    const flow = new Flow(spec(job('a')));
    expect(flow.try({ kind: 'plan', runId: 'r1', spec: spec(job('a')) })).toMatchObject({ state: 'queued' });
  });

  it('takes ids that objects know already', () => {
    const flow = new Flow(spec(job('constructor'), job('__proto__', ['constructor']), job('toString', ['__proto__'])));
    for (const id of ['constructor', '__proto__', 'toString']) {
      flow.succeed(id);
    }
    expect(flow.state.state).toBe('succeeded');
    expect(replay(flow.log)).toEqual(flow.state);
  });
});

describe('a run in order', () => {
  it('goes through a diamond', () => {
    const flow = new Flow(spec(job('a'), job('b', ['a']), job('c', ['a']), job('d', ['b', 'c'])));
    expect(kinds(flow.succeed('a'))).toEqual([
      'attempt.ended',
      'node.ended',
      'node.readied',
      'attempt.queued',
      'node.readied',
      'attempt.queued',
    ]);
    flow.succeed('c');
    expect(flow.nodeStates()).toMatchObject({ d: 'waiting' });
    flow.succeed('b');
    expect(flow.state.state).toBe('running');
    expect(kinds(flow.succeed('d'))).toEqual(['attempt.ended', 'node.ended', 'run.ended']);
    expect(flow.state).toMatchObject({ state: 'succeeded', openNodes: 0 });
    expect(flow.state.cause).toBeUndefined();
  });

  it('runs and node run from the first start on, not from the claim', () => {
    const flow = new Flow(spec(job('a')));
    expect(kinds(flow.claim('r1/a/1'))).toEqual(['attempt.claimed']);
    expect(flow.state.state).toBe('queued');
    expect(kinds(flow.do({ kind: 'start', attemptId: 'r1/a/1' }))).toEqual([
      'attempt.started',
      'node.started',
      'run.started',
    ]);
    expect(flow.nodeStates()).toEqual({ a: 'running' });
  });

  it('skips what needed a failed job, down the line, and lets the rest go on', () => {
    const flow = new Flow(spec(job('a'), job('b', ['a']), job('c', ['b']), job('x')));
    flow.fail('a');
    expect(flow.nodeStates()).toEqual({ a: 'failed', b: 'skipped', c: 'skipped', x: 'ready' });
    expect(flow.node('c').cause).toEqual({ kind: 'nodes', nodes: ['a'] });
    expect(flow.state.state).toBe('running');
    flow.succeed('x');
    expect(flow.state).toMatchObject({ state: 'failed', cause: { kind: 'nodes', nodes: ['a'] } });
  });

  it('names every culprit, whatever the order of the endings', () => {
    const flow = new Flow(spec(job('a'), job('b'), job('c', ['a', 'b'])));
    flow.fail('b');
    expect(flow.nodeStates()).toMatchObject({ c: 'waiting' });
    flow.fail('a');
    expect(flow.node('c').cause).toEqual({ kind: 'nodes', nodes: ['a', 'b'] });
    expect(flow.state.cause).toEqual({ kind: 'nodes', nodes: ['a', 'b'] });
  });

  it('fails by a timeout too', () => {
    const flow = new Flow(spec(job('a')));
    const cause = { kind: 'clock', clock: 'job', limitMs: 1_000 } as const;
    flow.do({ kind: 'finish', attemptId: flow.start('a'), result: { state: 'timed_out', cause } });
    expect(flow.state.state).toBe('failed');
    expect(flow.node('a')).toMatchObject({ state: 'timed_out', cause });
  });

  it('is cancelled by a runner that says so unasked', () => {
    const flow = new Flow(spec(job('a'), job('b', ['a'])));
    flow.do({ kind: 'finish', attemptId: flow.start('a'), result: { state: 'cancelled' } });
    expect(flow.nodeStates()).toEqual({ a: 'cancelled', b: 'skipped' });
    expect(flow.state.state).toBe('cancelled');
  });
});

describe('commands said again', () => {
  it('claims once for one request id', () => {
    const flow = new Flow(spec(job('a')));
    flow.claim('r1/a/1');
    expect(flow.claim('r1/a/1')).toEqual([]);
    const other = { kind: 'claim', attemptId: 'r1/a/1', hostId: 'b', workerId: 'w', requestId: 'other' } as const;
    expect(flow.try(other)).toMatchObject({ refused: true, state: 'claimed' });
  });

  it('starts once', () => {
    const flow = new Flow(spec(job('a')));
    const attemptId = flow.start('a');
    expect(flow.do({ kind: 'start', attemptId })).toEqual([]);
  });

  it('finishes once, and the first result stays', () => {
    const flow = new Flow(spec(job('a')));
    const attemptId = flow.start('a');
    flow.do({ kind: 'finish', attemptId, result: { state: 'succeeded' } });
    expect(flow.try({ kind: 'finish', attemptId, result: { state: 'failed' } })).toMatchObject({ state: 'succeeded' });
    expect(flow.try({ kind: 'lose', attemptId, detail: '' })).toMatchObject({ state: 'succeeded' });
    expect(flow.try({ kind: 'start', attemptId })).toMatchObject({ state: 'succeeded' });
    expect(
      flow.try({ kind: 'claim', attemptId, hostId: 'b', workerId: 'w', requestId: `q-${attemptId}` }),
    ).toMatchObject({ state: 'succeeded' });
  });

  it('refuses to finish what has not started', () => {
    const flow = new Flow(spec(job('a')));
    const finish = { kind: 'finish', attemptId: 'r1/a/1', result: { state: 'succeeded' } } as const;
    expect(flow.try(finish)).toMatchObject({ state: 'queued' });
    flow.claim('r1/a/1');
    expect(flow.try(finish)).toMatchObject({ state: 'claimed' });
  });

  it('knows no attempt that there is not', () => {
    const flow = new Flow(spec(job('a')));
    expect(flow.try({ kind: 'start', attemptId: 'constructor' })).toMatchObject({ state: 'none' });
    expect(new Flow().try({ kind: 'cancel', by: 'me' })).toMatchObject({ state: 'none' });
  });
});

describe('lost and refused', () => {
  it('tries again twice, later each time, and then fails', () => {
    const flow = new Flow(spec(job('a'), job('b', ['a'])));
    flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'host away' });
    expect(flow.nodeStates()).toMatchObject({ a: 'ready' });
    expect(flow.last('a')).toMatchObject({ number: 2, notBefore: flow.now + 1_000, avoidHosts: ['alder'] });
    const early = { kind: 'claim', attemptId: 'r1/a/2', hostId: 'b', workerId: 'w', requestId: 'q' } as const;
    expect(decide(flow.state, early, flow.now)).toMatchObject({ refused: true, state: 'queued' });

    flow.now += 1_000;
    flow.claim('r1/a/2', 'birch');
    flow.do({ kind: 'refuse', attemptId: 'r1/a/2', detail: 'no image', retryable: true });
    expect(flow.last('a')).toMatchObject({ number: 3, notBefore: flow.now + 5_000, avoidHosts: ['alder', 'birch'] });

    flow.now += 5_000;
    flow.claim('r1/a/3', 'birch');
    flow.do({ kind: 'lose', attemptId: 'r1/a/3', detail: 'host away' });
    expect(flow.attemptStates()).toEqual(['lost', 'refused', 'lost']);
    expect(flow.nodeStates()).toEqual({ a: 'failed', b: 'skipped' });
    expect(flow.node('a').cause).toEqual({ kind: 'lost', hostId: 'birch', detail: 'host away' });
    expect(flow.state.state).toBe('failed');
  });

  it('ends well after a loss', () => {
    const flow = new Flow(spec(job('a')));
    flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'host away' });
    flow.succeed('a');
    expect(flow.state.state).toBe('succeeded');
    expect(flow.attemptStates()).toEqual(['lost', 'succeeded']);
  });

  it('fails at once when another try makes no sense, also a run that never ran', () => {
    const flow = new Flow(spec(job('a')));
    flow.claim('r1/a/1');
    flow.do({ kind: 'refuse', attemptId: 'r1/a/1', detail: 'no such image', retryable: false });
    expect(flow.state.state).toBe('failed');
    expect(flow.node('a').state).toBe('failed');
    expect(flow.state.startedAt).toBeUndefined();
  });

  it('never tries a failed job again', () => {
    const flow = new Flow(spec(job('a')));
    flow.fail('a');
    expect(flow.attemptStates()).toEqual(['failed']);
  });

  it('refuses to refuse what runs, and to lose what nobody has', () => {
    const flow = new Flow(spec(job('a')));
    expect(flow.try({ kind: 'lose', attemptId: 'r1/a/1', detail: '' })).toMatchObject({ state: 'queued' });
    const attemptId = flow.start('a');
    expect(flow.try({ kind: 'refuse', attemptId, detail: '', retryable: true })).toMatchObject({ state: 'running' });
  });
});

describe('exclusive', () => {
  it('is not tried again once its steps may have run, and says so', () => {
    const flow = new Flow(spec(job('a', [], { exclusive: true })));
    flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'host away' });
    expect(flow.attemptStates()).toEqual(['lost']);
    expect(flow.state.state).toBe('failed');
    expect(flow.node('a')).toMatchObject({
      state: 'failed',
      cause: {
        kind: 'lost',
        hostId: 'alder',
        detail: 'host away; it is exclusive, and its steps may have run, so it is not tried again',
      },
    });
    expect(flow.attempt('r1/a/1').cause).toEqual(flow.node('a').cause);
  });

  it('is tried again while it was never told to start', () => {
    const flow = new Flow(spec(job('a', [], { exclusive: true })));
    flow.claim('r1/a/1');
    flow.do({ kind: 'lose', attemptId: 'r1/a/1', detail: 'host away' });
    flow.now += 1_000;
    flow.claim('r1/a/2');
    flow.do({ kind: 'refuse', attemptId: 'r1/a/2', detail: 'full', retryable: true });
    flow.succeed('a');
    expect(flow.attemptStates()).toEqual(['lost', 'refused', 'succeeded']);
  });

  it('goes to another host after a failure that it has told of, where the workflow says so', () => {
    const flow = new Flow(spec(job('a', [], { exclusive: true, place: { hosts: ['alder', 'birch'], on: 'any' } })));
    flow.fail('a');
    expect(flow.attemptStates()).toEqual(['failed', 'queued']);
    flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'host away' });
    expect(flow.state.state).toBe('failed');
  });
});

describe('place', () => {
  const fail = (flow: Flow, hostId: string, state: 'failed' | 'timed_out' = 'failed'): void => {
    const { id, notBefore } = flow.last('a');
    flow.now = Math.max(flow.now, notBefore);
    flow.claim(id, hostId);
    flow.do({ kind: 'start', attemptId: id });
    flow.do({ kind: 'finish', attemptId: id, result: { state } });
  };
  const lose = (flow: Flow, hostId: string): void => {
    const { id, notBefore } = flow.last('a');
    flow.now = Math.max(flow.now, notBefore);
    flow.claim(id, hostId);
    flow.do({ kind: 'lose', attemptId: id, detail: 'gone' });
  };

  it('leaves a failure alone', () => {
    const flow = new Flow(spec(job('a', [], { place: { hosts: ['alder', 'birch'], on: 'infra' } })));
    fail(flow, 'alder');
    expect(flow.state.state).toBe('failed');
  });

  it('with on="any" goes to each host once, at once, and then fails with the last cause', () => {
    const flow = new Flow(spec(job('a', [], { place: { hosts: ['alder', 'birch'], on: 'any' } }), job('b', ['a'])));
    fail(flow, 'alder');
    expect(flow.last('a')).toMatchObject({ number: 2, notBefore: flow.now, avoidHosts: ['alder'] });
    expect(flow.nodeStates()).toEqual({ a: 'ready', b: 'waiting' });
    fail(flow, 'birch', 'timed_out');
    expect(flow.attemptStates()).toEqual(['failed', 'timed_out']);
    expect(flow.nodeStates()).toEqual({ a: 'timed_out', b: 'skipped' });
  });

  it('with on="any" and otherwise goes elsewhere once', () => {
    const flow = new Flow(spec(job('a', [], { place: { hosts: ['alder'], otherwise: 'any', on: 'any' } })));
    fail(flow, 'alder');
    fail(flow, 'cedar');
    expect(flow.attemptStates()).toEqual(['failed', 'failed']);
    expect(flow.state.state).toBe('failed');
  });

  it('with on="any" and one host has nowhere to go', () => {
    const flow = new Flow(spec(job('a', [], { place: { hosts: ['alder'], on: 'any' } })));
    fail(flow, 'alder');
    expect(flow.attemptStates()).toEqual(['failed']);
  });

  it('is worth a try on every host that is named, and elsewhere', () => {
    const hosts = ['alder', 'birch', 'cedar', 'elm'];
    const flow = new Flow(spec(job('a', [], { place: { hosts, otherwise: 'any', on: 'infra' } })));
    for (const host of [...hosts, 'fir']) {
      expect(flow.state.state).toBe('queued');
      lose(flow, host);
    }
    expect(flow.attemptStates()).toEqual(['lost', 'lost', 'lost', 'lost', 'lost']);
    expect(flow.state.state).toBe('failed');
    expect(flow.last('a').notBefore - (flow.last('a').queuedAt ?? 0)).toBe(5_000);
  });

  it('is tried three times on one host too', () => {
    const flow = new Flow(spec(job('a', [], { place: { hosts: ['alder'], on: 'infra' } })));
    for (let attempt = 0; attempt < 3; attempt += 1) {
      lose(flow, 'alder');
    }
    expect(flow.attemptStates()).toEqual(['lost', 'lost', 'lost']);
    expect(flow.state.state).toBe('failed');
  });
});

describe('cancel', () => {
  const cancel = { kind: 'cancel', by: 'mara', reason: 'wrong branch' } as const;
  const cause = { kind: 'cancelled', by: 'mara', reason: 'wrong branch' } as const;

  it('ends what waits at once', () => {
    const flow = new Flow(spec(job('a'), job('b', ['a'])));
    flow.do(cancel);
    expect(flow.nodeStates()).toEqual({ a: 'cancelled', b: 'cancelled' });
    expect(flow.attemptStates()).toEqual(['cancelled']);
    expect(flow.state).toMatchObject({ state: 'cancelled', cause, cancelRequested: { by: 'mara' } });
  });

  it('is an intent for what a host has, and tells the host once', () => {
    const flow = new Flow(spec(job('a'), job('b'), job('c', ['a', 'b'])));
    flow.start('a');
    flow.claim('r1/b/1');
    const events = flow.do(cancel);
    expect(effects(flow.state, events)).toEqual([{ kind: 'host', version: 1, hostId: 'alder' }]);
    expect(flow.nodeStates()).toEqual({ a: 'running', b: 'ready', c: 'cancelled' });
    expect(flow.try({ kind: 'start', attemptId: 'r1/b/1' })).toMatchObject({ refused: true, state: 'claimed' });
    expect(flow.try({ kind: 'start', attemptId: 'r1/a/1' })).toMatchObject({ refused: true, state: 'running' });
    expect(flow.do(cancel)).toEqual([]);

    flow.do({ kind: 'finish', attemptId: 'r1/a/1', result: { state: 'succeeded' } });
    expect(flow.node('a')).toMatchObject({ state: 'cancelled', cause });
    flow.do({ kind: 'lose', attemptId: 'r1/b/1', detail: 'taken away' });
    expect(flow.attemptStates()).toEqual(['cancelled', 'cancelled']);
    expect(flow.state.state).toBe('cancelled');
  });

  it('keeps the cause that the result has', () => {
    const flow = new Flow(spec(job('a')));
    const attemptId = flow.start('a');
    flow.do(cancel);
    const exit = { kind: 'exit', step: 0, stepName: 'Test', exitCode: 143 } as const;
    flow.do({ kind: 'finish', attemptId, result: { state: 'failed', cause: exit } });
    expect(flow.attempt(attemptId)).toMatchObject({ state: 'cancelled', cause: exit });
    expect(flow.state).toMatchObject({ state: 'cancelled', cause });
  });

  it('is not followed by another attempt of what is lost or refused then', () => {
    const flow = new Flow(spec(job('a'), job('b')));
    flow.start('a');
    flow.claim('r1/b/1');
    flow.do(cancel);
    flow.do({ kind: 'lose', attemptId: 'r1/a/1', detail: 'host away' });
    flow.do({ kind: 'refuse', attemptId: 'r1/b/1', detail: 'no', retryable: true });
    expect(flow.attemptStates()).toEqual(['cancelled', 'cancelled']);
    expect(flow.state.state).toBe('cancelled');
    expect(flow.attempt('r1/a/1').cause).toMatchObject({ kind: 'lost' });
  });

  it('ends a claimed attempt by the word of its host', () => {
    const flow = new Flow(spec(job('a')));
    flow.claim('r1/a/1');
    flow.do(cancel);
    flow.do({ kind: 'finish', attemptId: 'r1/a/1', result: { state: 'cancelled', cause } });
    expect(flow.state.state).toBe('cancelled');
  });

  it('comes too late for a run that has ended', () => {
    const flow = new Flow(spec(job('a')));
    flow.succeed('a');
    expect(flow.try(cancel)).toMatchObject({ refused: true, state: 'succeeded' });
    expect(flow.state.cancelRequested).toBeUndefined();
  });

  it('ends a run whose job failed before as cancelled', () => {
    const flow = new Flow(spec(job('a'), job('b')));
    flow.fail('a');
    flow.do(cancel);
    expect(flow.nodeStates()).toEqual({ a: 'failed', b: 'cancelled' });
    expect(flow.state.state).toBe('cancelled');
  });
});
