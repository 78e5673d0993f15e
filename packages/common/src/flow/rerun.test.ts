import { describe, expect, it } from 'vitest';
import { checkOf } from './check-state.js';
import { replay } from './evolve.js';
import { isRefusal, type ReusedNode } from './messages.js';
import { nodesOf } from './node-table.js';
import { planRerun, type Rerun } from './rerun.js';
import type { RunSpec } from './spec.js';
import { drain, Flow, gate, job, spec, wait } from './testing/flows.js';

/** The run that does it again. */
function again(first: Flow, which: Rerun, runId = 'r2'): Flow {
  const planned = planRerun(first.state, which);
  if (isRefusal(planned)) {
    throw new Error(planned.reason);
  }
  const flow = new Flow();
  const rerun = { of: first.state.runId, generation: 1, by: 'mara' };
  flow.do({ kind: 'plan', runId, spec: first.state.spec, rerun, reused: planned.reused });
  return flow;
}

const reusedBy = (flow: Flow): string[] =>
  nodesOf(flow.state)
    .filter(({ reusedFrom }) => reusedFrom !== undefined)
    .map(({ id }) => id);

/** a -> b -> c, and d beside them; b fails. */
function failed(): Flow {
  const flow = new Flow(spec(job('a'), job('b', ['a']), job('c', ['b']), job('d', ['a'])));
  flow.do({ kind: 'finish', attemptId: flow.start('a'), result: { state: 'succeeded', outputs: { version: '7' } } });
  flow.fail('b');
  flow.succeed('d');
  return flow;
}

describe('a rerun', () => {
  it('of what failed does that again and what depends on it, and takes the rest as it was', () => {
    const first = failed();
    expect(first.state.state).toBe('failed');
    const before = structuredClone(first.state);
    const second = again(first, { kind: 'failed' });
    expect(second.log.map(({ kind }) => kind)).toEqual(['run.planned', 'node.readied', 'attempt.queued']);
    expect(second.nodeStates()).toEqual({ a: 'succeeded', b: 'ready', c: 'waiting', d: 'succeeded' });
    expect(second.node('a')).toMatchObject({ reusedFrom: 'r1', outputs: { version: '7' }, attempts: [] });
    expect(second.state).toMatchObject({ openNodes: 2, succeeded: 2, broken: [], rerun: { of: 'r1', generation: 1 } });
    second.succeed('b');
    second.succeed('c');
    expect(second.state.state).toBe('succeeded');
    expect(checkOf(second.state, { pageKey: 'k' })).toMatchObject({
      title: '4 of 4 jobs succeeded · rerun 1',
      text: expect.stringContaining('a succeeded, and was not done again\nb succeeded (1 s)'),
    });
    expect(replay(second.log)).toEqual(second.state);
    expect(first.state).toEqual(before);
  });

  it('of everything takes nothing', () => {
    const second = again(failed(), { kind: 'all' });
    expect(reusedBy(second)).toEqual([]);
    drain(second);
    expect(second.state.state).toBe('succeeded');
  });

  it('of one job does it and what depends on it again, whatever became of it', () => {
    const flow = failed();
    expect(reusedBy(again(flow, { kind: 'node', nodeId: 'd' }))).toEqual(['a', 'b', 'c']);
    expect(reusedBy(again(flow, { kind: 'node', nodeId: 'a' }))).toEqual([]);
    // What is not done again counts as it did.
    const second = again(flow, { kind: 'node', nodeId: 'd' });
    second.succeed('d');
    expect(second.state).toMatchObject({ state: 'failed', broken: ['b'], cause: { kind: 'nodes', nodes: ['b'] } });
  });

  it('of a rerun names the run in which each node ran', () => {
    const second = again(failed(), { kind: 'failed' });
    second.succeed('b');
    second.fail('c');
    const third = again(second, { kind: 'failed' }, 'r3');
    expect(['a', 'b', 'd'].map((id) => third.node(id).reusedFrom)).toEqual(['r1', 'r2', 'r1']);
    drain(third);
    expect(third.state.state).toBe('succeeded');
  });

  it('does again what was cancelled, and what was skipped for others, but not what chose not to', () => {
    const flow = new Flow(
      spec(
        job('a'),
        job('tidy', ['a'], { needsOn: { a: 'failed' } }),
        job('b', ['a']),
        job('c', ['b']),
        wait('w', ['a']),
      ),
    );
    flow.succeed('a');
    flow.start('b');
    flow.do({ kind: 'cancel', by: 'mara' });
    flow.do({ kind: 'finish', attemptId: 'r1/b/1', result: { state: 'cancelled' } });
    expect(flow.nodeStates()).toMatchObject({ tidy: 'skipped', b: 'cancelled', c: 'cancelled', w: 'cancelled' });
    const second = again(flow, { kind: 'failed' });
    expect(reusedBy(second)).toEqual(['a', 'tidy']);
    drain(second);
    expect(second.state.state).toBe('succeeded');
  });

  it('takes decisions over unless they come after what is done again', () => {
    const flow = new Flow(spec(job('a'), gate('g', ['a']), job('b', ['g'])));
    flow.succeed('a');
    flow.say('approve', 'g', 'ada');
    flow.fail('b');
    const second = again(flow, { kind: 'failed' });
    expect(reusedBy(second)).toEqual(['a', 'g']);
    expect(second.node('g').decisions).toEqual(flow.node('g').decisions);
    const { requestId = '' } = flow.node('g').decisions?.[0] ?? {};
    for (const more of [{}, { requestId }]) {
      expect(second.say('approve', 'g', 'ada', more)).toMatchObject({
        ...{ refused: true, state: 'succeeded', reason: 'gate g is decided: approved by ada' },
      });
    }
    expect(reusedBy(again(flow, { kind: 'node', nodeId: 'a' }))).toEqual([]);
  });

  it('takes over that a gate was approved by its timeout', () => {
    const timeout = { timeoutMs: 60_000, timeoutThen: 'approve' as const };
    const flow = new Flow(spec(gate('g', [], timeout), job('b', ['g'])));
    flow.now += 60_000;
    flow.do({ kind: 'fire', key: 'gate:r1/g' });
    flow.fail('b');
    const second = again(flow, { kind: 'failed' });
    expect(second.say('reject', 'g', 'ada')).toMatchObject({ reason: 'gate g is decided: approved by its timeout' });
  });

  it('does failures that were allowed again too', () => {
    const flow = new Flow(spec(job('a', [], { allowFailure: true }), job('b')));
    flow.fail('a');
    flow.succeed('b');
    expect(flow.state.state).toBe('succeeded');
    expect(reusedBy(again(flow, { kind: 'failed' }))).toEqual(['b']);
    const other = again(flow, { kind: 'node', nodeId: 'b' });
    expect(other.node('a')).toMatchObject({ state: 'failed', tolerated: true });
    expect(other.state.broken).toEqual([]);
  });
});

describe('a rerun of a run that was ended before all of it had ended', () => {
  /** `a` succeeded, `slow` was on a host and `next` had not begun when the run ended; `free` did not begin either. */
  const parts = [job('a'), job('slow', ['a']), job('next', ['slow']), gate('free', ['a'])];
  const ended = (end: (flow: Flow) => void, more: Partial<RunSpec> = {}): Flow => {
    const flow = new Flow({ ...spec(...parts), ...more });
    flow.succeed('a');
    flow.start('slow');
    end(flow);
    return flow;
  };
  const atDeadline = (said: (flow: Flow) => void): Flow =>
    ended(
      (flow) => {
        flow.now += 600_000;
        flow.do({ kind: 'fire', key: 'workflow:r1' });
        said(flow);
      },
      { deadlineMs: 600_000 },
    );
  const attemptId = 'r1/slow/1';

  it.each<[string, (flow: Flow) => void]>([
    ['its worker ended it', (flow) => flow.do({ kind: 'finish', attemptId, result: { state: 'cancelled' } })],
    [
      'its worker gave a reason of its own',
      (flow) => {
        const cause = { kind: 'exit', step: 0, stepName: 'Test', exitCode: 3 } as const;
        flow.do({ kind: 'finish', attemptId, result: { state: 'cancelled', cause } });
      },
    ],
    ['its worker was lost meanwhile', (flow) => flow.do({ kind: 'lose', attemptId, detail: 'gone' })],
  ])('by its deadline does with one job all that the deadline cut off: %s', (_name, said) => {
    const flow = atDeadline(said);
    expect(flow.state).toMatchObject({ state: 'failed', cause: { kind: 'clock', clock: 'workflow' } });
    expect(flow.nodeStates()).toEqual({ a: 'succeeded', slow: 'cancelled', next: 'cancelled', free: 'cancelled' });
    for (const which of [{ kind: 'failed' }, { kind: 'node', nodeId: 'free' }] as const) {
      const second = again(flow, which);
      expect(reusedBy(second)).toEqual(['a']);
      second.succeed('slow');
      second.succeed('next');
      drain(second);
      expect(second.state.state).toBe('succeeded');
    }
  });

  it('by a person, or by a newer run, leaves the rest as it was decided', () => {
    const end = (flow: Flow) => flow.do({ kind: 'finish', attemptId, result: { state: 'cancelled' } });
    for (const wish of [{ kind: 'cancel', by: 'mara' } as const, { kind: 'supersede', byRunId: 'r9' } as const]) {
      const flow = ended((one) => {
        one.do(wish);
        end(one);
      });
      const second = again(flow, { kind: 'node', nodeId: 'slow' });
      expect(reusedBy(second)).toEqual(['a', 'free']);
      // Also by whoever does that one again.
      drain(second);
      expect(second.state).toMatchObject({ state: 'cancelled', cause: { kind: 'nodes', nodes: ['free'] } });
      expect(reusedBy(again(second, { kind: 'node', nodeId: 'next' }, 'r3'))).toEqual(['a', 'slow', 'free']);
    }
  });

  it('by its deadline does again what its worker had called cancelled before, which nobody had asked for', () => {
    const flow = new Flow({ ...spec(job('odd'), gate('ask')), deadlineMs: 600_000 });
    const cause = { kind: 'exit', step: 0, stepName: 'Test', exitCode: 3 } as const;
    flow.do({ kind: 'finish', attemptId: flow.start('odd'), result: { state: 'cancelled', cause } });
    flow.now += 600_000;
    flow.do({ kind: 'fire', key: 'workflow:r1' });
    expect(flow.nodeStates()).toEqual({ odd: 'cancelled', ask: 'cancelled' });
    expect(reusedBy(again(flow, { kind: 'node', nodeId: 'ask' }))).toEqual([]);
  });

  it('by a person leaves what then ran out of its own time as it is, however often the rest is done again', () => {
    const flow = ended((one) => {
      one.do({ kind: 'cancel', by: 'mara' });
      const cause = { kind: 'clock', clock: 'job', limitMs: 1_000 } as const;
      one.do({ kind: 'finish', attemptId, result: { state: 'timed_out', cause } });
    });
    expect(flow.node('slow')).toMatchObject({ state: 'cancelled', cause: { clock: 'job' } });
    const second = again(flow, { kind: 'node', nodeId: 'free' });
    expect(reusedBy(second)).toEqual(['a', 'slow', 'next']);
    drain(second);
    expect(reusedBy(again(second, { kind: 'node', nodeId: 'free' }, 'r3'))).toEqual(['a', 'slow', 'next']);
  });

  it('by an export is refused, unless it is said to be done here', () => {
    const flow = new Flow(spec(job('a'), gate('ask'), job('b', ['a'])));
    flow.succeed('a');
    flow.do({ kind: 'export', by: 'mara' });
    for (const which of [{ kind: 'all' }, { kind: 'failed' }, { kind: 'node', nodeId: 'b' }] as const) {
      expect(planRerun(flow.state, which)).toEqual({
        ...{ refused: true, state: 'cancelled' },
        reason: expect.stringMatching(/^mara exported it, and it goes on where it was imported.*--here/),
      });
    }
    const second = again(flow, { kind: 'node', nodeId: 'b', here: true });
    expect(reusedBy(second)).toEqual(['a']);
    drain(second);
    expect(second.state.state).toBe('succeeded');
  });
});

describe('a rerun of several by one name', () => {
  const cell = (id: string, os: string) => job(id, [], { matrix: { group: 'test', cell: { os } } });
  const matrix: RunSpec = {
    ...spec(
      cell('test-1', 'a'),
      cell('test-2', 'b'),
      cell('test-3', 'c'),
      job('after', ['test-1', 'test-2', 'test-3']),
    ),
    groups: { test: { maxParallel: 1, onFailure: 'cancel' } },
  };

  it('does all cells of a matrix again, as many at once as it may', () => {
    const flow = new Flow(matrix);
    drain(flow);
    const second = again(flow, { kind: 'node', nodeId: 'test' });
    expect(reusedBy(second)).toEqual([]);
    expect(second.nodeStates()).toMatchObject({ 'test-1': 'ready', 'test-2': 'waiting' });
  });

  it('of one cell leaves the others as they were, and is not cancelled with them', () => {
    const flow = new Flow(matrix);
    flow.succeed('test-1');
    flow.fail('test-2');
    expect(flow.nodeStates()).toMatchObject({ 'test-3': 'cancelled' });
    const second = again(flow, { kind: 'node', nodeId: 'test-3' });
    expect(reusedBy(second)).toEqual(['test-1', 'test-2']);
    expect(second.state.groups).toEqual({ test: { active: 1, next: 3 } });
    second.succeed('test-3');
    expect(second.nodeStates()).toMatchObject({ 'test-3': 'succeeded', after: 'skipped' });
    expect(second.state).toMatchObject({ state: 'failed', broken: ['test-2'] });
  });

  it('of the cell that failed also does those that were cancelled with it', () => {
    const flow = new Flow(matrix);
    flow.succeed('test-1');
    flow.fail('test-2');
    const second = again(flow, { kind: 'node', nodeId: 'test-2' });
    expect(reusedBy(second)).toEqual(['test-1']);
    drain(second);
    expect(second.state.state).toBe('succeeded');
  });

  it('does what a written name stands for', () => {
    const bundled = { ...spec(job('x'), job('y'), job('z')), bundles: { both: ['x', 'z'] } };
    const flow = new Flow(bundled);
    drain(flow);
    expect(reusedBy(again(flow, { kind: 'node', nodeId: 'both' }))).toEqual(['y']);
  });
});

describe('a rerun is refused', () => {
  const refused = (reason: string, more: object = {}) => ({
    ...{ refused: true, reason: expect.stringContaining(reason) },
    ...more,
  });

  it('while the run goes on', () => {
    const flow = new Flow(spec(job('a')));
    expect(planRerun(flow.state, { kind: 'all' })).toEqual(refused('it is queued', { state: 'queued' }));
  });

  it('when nothing failed', () => {
    const flow = new Flow(spec(job('a')));
    flow.succeed('a');
    expect(planRerun(flow.state, { kind: 'failed' })).toEqual(refused('nothing of it failed', { state: 'succeeded' }));
  });

  it('of what there is not', () => {
    const flow = failed();
    for (const nodeId of ['z', 'constructor', '__proto__']) {
      expect(planRerun(flow.state, { kind: 'node', nodeId })).toEqual(
        refused(`is called ${nodeId}; there is a, b, c, d`, { state: 'failed', kind: 'invalid' }),
      );
    }
  });

  it('of what would only be skipped again', () => {
    expect(planRerun(failed().state, { kind: 'node', nodeId: 'c' })).toEqual(
      refused('c would be skipped: because of b', { state: 'failed' }),
    );
  });
});

describe('a plan with nodes that are not done again', () => {
  const succeeded: ReusedNode = { runId: 'r0', state: 'succeeded' };

  it.each([
    ['a node that there is not', { z: succeeded }, 'there is no node z to reuse'],
    ['one that needs another that is done again', { b: succeeded }, 'b cannot be reused: it needs a'],
  ])('is refused: %s', (_name, reused, reason) => {
    const flow = new Flow();
    const outcome = flow.try({ kind: 'plan', runId: 'r1', spec: spec(job('a'), job('b', ['a'])), reused });
    expect(outcome).toEqual({ refused: true, reason: expect.stringContaining(reason), state: 'none' });
  });

  it('ends at once where nothing is left to do', () => {
    const flow = new Flow();
    const reused = { a: succeeded, b: succeeded };
    flow.do({ kind: 'plan', runId: 'r1', spec: spec(job('a'), job('b', ['a'])), reused });
    expect(flow.state.state).toBe('succeeded');
    expect(replay(flow.log)).toEqual(flow.state);
  });

  it('skips down the line what one of them holds up', () => {
    const flow = new Flow();
    const cause = { kind: 'user' as const, reason: 'no' };
    const reused = { a: { runId: 'r0', state: 'failed' as const, cause } };
    flow.do({ kind: 'plan', runId: 'r1', spec: spec(job('a'), job('b', ['a']), job('c', ['b'])), reused });
    expect(flow.nodeStates()).toEqual({ a: 'failed', b: 'skipped', c: 'skipped' });
    expect(flow.node('c').cause).toEqual({ kind: 'nodes', nodes: ['a'] });
    expect(flow.state.state).toBe('failed');
  });
});
