import { describe, expect, it } from 'vitest';
import type { AttemptResult } from './cause.js';
import { decide } from './decide.js';
import { describeCause } from './describe-cause.js';
import { effects } from './effects.js';
import { jitterOf } from './jitter.js';
import type { JobSpec, RunSpec } from './spec.js';
import { branch, Flow, job, spec, wait } from './testing/flows.js';
import { timersOf } from './timers.js';
import { waitingFor } from './waiting.js';

const exit = (exitCode: number): AttemptResult => ({
  state: 'failed',
  cause: { kind: 'exit', step: 0, stepName: 'Test', exitCode },
});

const finish = (flow: Flow, nodeId: string, result: AttemptResult) =>
  flow.do({ kind: 'finish', attemptId: flow.start(nodeId), result });

const keys = (flow: Flow): string[] => timersOf(flow.state).map(({ key }) => key);

/** Lets time pass up to the next timer, and fires it. */
function fireNext(flow: Flow): void {
  const [next] = timersOf(flow.state).toSorted((a, b) => a.fireAtMs - b.fireAtMs);
  expect(decide(flow.state, { kind: 'fire', key: next?.key ?? '' }, (next?.fireAtMs ?? 0) - 1)).toEqual([]);
  flow.now = next?.fireAtMs ?? 0;
  flow.do({ kind: 'fire', key: next?.key ?? '' });
}

const matrix = (
  cells: string[],
  rules: { maxParallel?: number; onFailure: 'continue' | 'cancel' },
  more = {},
): RunSpec => ({
  ...spec(...cells.map((id) => job(id, [], { matrix: { group: 'test', cell: { id } }, ...more })), job('after', cells)),
  groups: { test: rules },
});

describe('needs', () => {
  it('on="always" is content with any ending, on="failed" wants a failure', () => {
    const nodes = [
      job('a'),
      job('sweep', ['a'], { needsOn: { a: 'always' } }),
      job('tell', ['a'], { needsOn: { a: 'failed' } }),
      job('next', ['a']),
    ];
    const bad = new Flow(spec(...nodes));
    bad.fail('a');
    expect(bad.nodeStates()).toEqual({ a: 'failed', sweep: 'ready', tell: 'ready', next: 'skipped' });
    const good = new Flow(spec(...nodes, job('last', ['tell', 'next'])));
    good.succeed('a');
    expect(good.nodeStates()).toEqual({
      a: 'succeeded',
      sweep: 'ready',
      tell: 'skipped',
      next: 'ready',
      last: 'waiting',
    });
    expect(good.node('tell').cause).toEqual({ kind: 'condition', detail: 'a did not fail' });
    good.succeed('next');
    expect(good.nodeStates()).toMatchObject({ last: 'ready' });
  });

  it('on="failed" of a matrix wants one failed cell', () => {
    const base = matrix(['t.1', 't.2'], { onFailure: 'continue' });
    const tell = job('tell', ['t.1', 't.2'], { needsOn: { 't.1': 'failed', 't.2': 'failed' } });
    const flow = new Flow({ ...base, nodes: [...base.nodes, tell] });
    flow.fail('t.1');
    flow.succeed('t.2');
    expect(flow.nodeStates()).toMatchObject({ tell: 'ready', after: 'skipped' });
  });

  it('on="failed" of a branch wants one failure in it', () => {
    const all = ['which', 'ship', 'wait'];
    const then = { branch: { id: 'which', side: 'then' } } as const;
    const tell = job('tell', all, { needsOn: Object.fromEntries(all.map((id) => [id, 'failed' as const])) });
    const nodes = [branch('which', 'true'), job('ship', ['which'], then), job('wait', ['which'], then)];
    const run = { ...spec(...nodes, tell), bundles: { which: all } };
    const bad = new Flow(run);
    bad.fail('ship');
    bad.succeed('wait');
    expect(bad.nodeStates()).toMatchObject({ which: 'succeeded', tell: 'ready' });
    const good = new Flow(run);
    good.succeed('ship');
    good.succeed('wait');
    expect(good.node('tell').cause).toEqual({ kind: 'condition', detail: 'which did not fail' });
  });
});

describe('allow_failure', () => {
  it('shows the failure, and nothing else fails by it', () => {
    const flow = new Flow(spec(job('lint', [], { allowFailure: true }), job('ship', ['lint'])));
    flow.fail('lint');
    expect(flow.node('lint')).toMatchObject({ state: 'failed', tolerated: true });
    flow.succeed('ship');
    expect(flow.state).toMatchObject({ state: 'succeeded', broken: [] });
    expect(flow.state.cause).toBeUndefined();
  });
});

describe('retry', () => {
  const retry = (on: string[], times = 2): Partial<JobSpec> => ({
    retry: { times, on, backoff: { minMs: 5_000, maxMs: 15_000 } },
  });

  it.each<[string[], AttemptResult, boolean]>([
    [['failed'], exit(3), true],
    [['exit:75'], exit(75), true],
    [['exit:75'], exit(3), false],
    [['timeout'], { state: 'timed_out' }, true],
    [['timeout'], exit(3), false],
    [['infra'], exit(3), false],
    [['failed'], { ...exit(3), final: true }, false],
    [['timeout'], { state: 'timed_out', cause: { kind: 'clock', clock: 'deadline', limitMs: 1 } }, false],
    [['timeout'], { state: 'timed_out', cause: { kind: 'clock', clock: 'step-deadline', limitMs: 1 } }, false],
  ])('on %j after %j: %s', (on, result, again) => {
    const flow = new Flow(spec(job('a', [], retry(on))));
    finish(flow, 'a', result);
    expect(flow.attemptStates()).toHaveLength(again ? 2 : 1);
  });

  it('waits by full jitter, always the same for an attempt, and announces itself when it is due', () => {
    const flow = new Flow(spec(job('a', [], retry(['failed']))));
    const events = finish(flow, 'a', exit(3));
    const { notBefore } = flow.last('a');
    expect(notBefore).toBe(Math.round(flow.now + 5_000 + jitterOf('r1/a/2') * 5_000));
    expect(effects(flow.state, events)).toEqual([]);
    expect(keys(flow)).toEqual(['backoff:r1/a/2']);
    flow.now = notBefore;
    const due = flow.do({ kind: 'fire', key: 'backoff:r1/a/2' });
    expect(effects(flow.state, due)).toEqual([{ kind: 'job', version: 1, pool: 'default', attemptId: 'r1/a/2' }]);
    expect(keys(flow)).toEqual([]);
    finish(flow, 'a', exit(3));
    const second = flow.last('a').notBefore - flow.now;
    expect(second).toBeGreaterThanOrEqual(5_000);
    expect(second).toBeLessThanOrEqual(15_000);
    finish(flow, 'a', exit(3));
    expect(flow.attemptStates()).toEqual(['failed', 'failed', 'failed']);
    expect(flow.state.state).toBe('failed');
  });

  it('and faults of the infrastructure are counted apart', () => {
    const flow = new Flow(spec(job('a', [], retry(['failed'], 1))));
    const lose = () => flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'gone' });
    lose();
    finish(flow, 'a', exit(3));
    lose();
    expect(flow.nodeStates()).toEqual({ a: 'ready' });
    lose();
    expect(flow.attemptStates()).toEqual(['lost', 'failed', 'lost', 'lost']);
    expect(flow.state.state).toBe('failed');
  });

  it('on="infra" tries again what is exclusive, as often as it says', () => {
    const flow = new Flow(spec(job('a', [], { exclusive: true, retry: { times: 1, on: ['infra'] } })));
    flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'gone' });
    flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'gone' });
    expect(flow.attemptStates()).toEqual(['lost', 'lost']);
    expect(flow.state.state).toBe('failed');
  });

  it('is spread evenly', () => {
    const values = Array.from({ length: 1_000 }, (_, index) => jitterOf(`run/job/${index}`));
    for (let tenth = 0; tenth < 10; tenth += 1) {
      expect(values.filter((value) => Math.floor(value * 10) === tenth).length).toBeGreaterThan(60);
    }
  });
});

describe('clocks', () => {
  it('queue ends what no host takes; the backoff before it does not count', () => {
    const flow = new Flow(spec(job('a', [], { queueMs: 10_000 })));
    flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'gone' });
    const { notBefore } = flow.last('a');
    expect(timersOf(flow.state)).toContainEqual({ key: 'queue:r1/a/2', fireAtMs: notBefore + 10_000 });
    fireNext(flow);
    fireNext(flow);
    const cause = { kind: 'clock', clock: 'queue', limitMs: 10_000 };
    expect(flow.node('a')).toMatchObject({ state: 'timed_out', cause });
    expect(flow.attemptStates()).toEqual(['lost', 'timed_out']);
  });

  it('deadline holds for all attempts together, and leaves alone what a host has', () => {
    const flow = new Flow(spec(job('a', [], { deadlineMs: 60_000, retry: { times: 9, on: ['failed'] } })));
    const from = flow.last('a').queuedAt;
    finish(flow, 'a', exit(3));
    expect(timersOf(flow.state)).toContainEqual({ key: 'deadline:r1/a', fireAtMs: from + 60_000 });
    const attemptId = flow.start('a');
    expect(keys(flow)).toEqual([]);
    flow.now = from + 70_000;
    expect(flow.do({ kind: 'fire', key: 'deadline:r1/a' })).toEqual([]);
    flow.do({ kind: 'lose', attemptId, detail: 'host away' });
    expect(flow.node('a')).toMatchObject({ state: 'timed_out', cause: { clock: 'deadline', limitMs: 60_000 } });
    expect(flow.attempt(attemptId)).toMatchObject({ state: 'lost', cause: { kind: 'lost' } });
  });

  it('deadline leaves no attempt that could not begin before it', () => {
    const flow = new Flow(spec(job('a', [], { deadlineMs: 3_500 })));
    flow.do({ kind: 'lose', attemptId: flow.start('a'), detail: 'gone' });
    expect(flow.node('a')).toMatchObject({
      state: 'failed',
      cause: { detail: 'gone; its deadline leaves no time to try it again' },
    });
  });

  it.each([
    ['its own', { deadlineMs: 25_000 }, {}],
    ['that of the workflow', {}, { deadlineMs: 22_000 }],
  ])(
    'deadline, %s, that leaves no time for the next retry is told with what the last attempt ended by',
    (_, own, whole) => {
      const retry = { times: 10, on: ['exit:75'], backoff: { minMs: 10_000, maxMs: 10_000 } };
      const flow = new Flow({ ...spec(job('a', [], { retry, ...own })), ...whole });
      finish(flow, 'a', exit(75));
      finish(flow, 'a', exit(75));
      expect(flow.attemptStates()).toEqual(['failed', 'failed']);
      const { cause } = flow.node('a');
      expect(cause && describeCause(cause)).toBe(
        'step “Test” exited with 75; its deadline leaves no time to try it again',
      );
      expect(flow.attempt('r1/a/1').cause).not.toHaveProperty('notAgain');
    },
  );

  it('deadline is not blamed where there is no retry left', () => {
    const retry = { times: 1, on: ['failed'], backoff: { minMs: 0, maxMs: 0 } };
    const flow = new Flow(spec(job('a', [], { retry, deadlineMs: 60_000 })));
    finish(flow, 'a', exit(3));
    finish(flow, 'a', exit(3));
    expect(flow.node('a').cause).toEqual(exit(3).cause);
  });

  it('are told in what it waits for', () => {
    const flow = new Flow(spec(job('a', [], { queueMs: 10_000, timeoutMs: 60_000, deadlineMs: 90_000 })));
    expect(waitingFor(flow.state, 'a')).toBe(
      'queued for pool default since 1970-01-01T00:16:41.000Z, until 1970-01-01T00:16:51.000Z at the latest (queue)',
    );
    flow.start('a');
    expect(waitingFor(flow.state, 'a')).toBe(
      'its steps run on alder since 1970-01-01T00:16:43.000Z, until 1970-01-01T00:17:43.000Z at the latest (timeout)',
    );
  });
});

describe('wait', () => {
  it('begins when all that it needs has ended, and ends by its timer', () => {
    const flow = new Flow(spec(job('a'), wait('soak', ['a']), job('b', ['soak'])));
    expect(keys(flow)).toEqual([]);
    flow.succeed('a');
    expect(waitingFor(flow.state, 'soak')).toBe('waits until 1970-01-01T00:17:44.000Z');
    fireNext(flow);
    flow.succeed('b');
    expect(flow.state.state).toBe('succeeded');
  });

  it('alone is a run, and is cancelled with it', () => {
    const flow = new Flow(spec(wait('soak')));
    expect(flow.state.state).toBe('running');
    flow.do({ kind: 'cancel', by: 'mara' });
    expect(flow.state.state).toBe('cancelled');
    expect(flow.do({ kind: 'fire', key: 'wait:r1/soak' })).toEqual([]);
  });
});

describe('a matrix', () => {
  const cells = ['t.1', 't.2', 't.3', 't.4'];

  it('runs so many cells at once, the next in order as one ends', () => {
    const flow = new Flow(matrix(cells, { maxParallel: 2, onFailure: 'continue' }));
    expect(flow.nodeStates()).toMatchObject({ 't.1': 'ready', 't.2': 'ready', 't.3': 'waiting', 't.4': 'waiting' });
    expect(waitingFor(flow.state, 't.3')).toBe('its turn: max_parallel is 2 in matrix test');
    // A retry keeps its place.
    flow.do({ kind: 'lose', attemptId: flow.start('t.1'), detail: 'gone' });
    expect(flow.nodeStates()).toMatchObject({ 't.3': 'waiting' });
    flow.fail('t.2');
    expect(flow.nodeStates()).toMatchObject({ 't.3': 'ready', 't.4': 'waiting' });
    for (const id of ['t.1', 't.3', 't.4']) flow.succeed(id);
    expect(flow.nodeStates()).toMatchObject({ after: 'skipped', 't.4': 'succeeded' });
    expect(flow.state.cause).toEqual({ kind: 'nodes', nodes: ['t.2'] });
  });

  it('on_failure="cancel" takes the other cells with the first that fails', () => {
    const flow = new Flow(matrix(cells, { maxParallel: 3, onFailure: 'cancel' }));
    const running = flow.start('t.1');
    flow.fail('t.2');
    const cause = { kind: 'cancelled', by: 'matrix test', reason: 't.2 failed' };
    expect(flow.node('t.3')).toMatchObject({ state: 'cancelled', cause });
    expect(flow.node('t.4')).toMatchObject({ state: 'cancelled', cause });
    expect(flow.attempt(running).cancelRequested).toMatchObject({ by: 'matrix test' });
    flow.do({ kind: 'finish', attemptId: running, result: { state: 'cancelled' } });
    expect(flow.node('t.1')).toMatchObject({ state: 'cancelled', cause });
    expect(flow.state).toMatchObject({ state: 'failed', cause: { kind: 'nodes', nodes: ['t.2'] } });
  });

  it('and not with one that was allowed to fail', () => {
    const flow = new Flow(matrix(cells, { onFailure: 'cancel' }, { allowFailure: true }));
    flow.fail('t.2');
    expect(flow.nodeStates()).toMatchObject({ 't.1': 'ready', 't.3': 'ready' });
  });
});

describe('outputs', () => {
  it('are kept in the node, those of its last attempt', () => {
    const flow = new Flow(spec(job('a', [], { retry: { times: 1, on: ['failed'] } })));
    finish(flow, 'a', { ...exit(3), outputs: { version: '1' } });
    finish(flow, 'a', { state: 'succeeded', outputs: { version: '2' } });
    expect(flow.node('a').outputs).toEqual({ version: '2' });
  });
});
