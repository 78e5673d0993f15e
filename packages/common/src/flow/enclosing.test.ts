import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import type { RunSpec } from './spec.js';
import { branch, Flow, gate, job, spec, wait } from './testing/flows.js';
import { timersOf } from './timers.js';
import { waitingFor } from './waiting.js';

const fireAt = (flow: Flow, key: string): number | undefined =>
  timersOf(flow.state).find((one) => one.key === key)?.fireAtMs;

/** Not before its time; then. */
function fire(flow: Flow, key: string): void {
  const at = fireAt(flow, key) ?? Number.NaN;
  expect(decide(flow.state, { kind: 'fire', key }, at - 1)).toEqual([]);
  flow.now = Math.max(flow.now, at - 1_000);
  flow.do({ kind: 'fire', key });
  expect(fireAt(flow, key)).toBeUndefined();
  expect(flow.do({ kind: 'fire', key })).toEqual([]);
}

const instant = (ms: number | undefined): string => new Date(ms ?? 0).toISOString();
const then = (id: string) => ({ branch: { id, side: 'then' as const } });

describe('the deadline of a workflow', () => {
  const key = 'workflow:r1';
  const limited = (more: Partial<RunSpec> = {}): RunSpec => ({
    ...spec(
      job('a'),
      job('b'),
      wait('rest'),
      gate('ask'),
      job('last', ['a', 'b']),
      job('tell', [], { onFailure: true }),
    ),
    deadlineMs: 600_000,
    ...more,
  });

  it('ends all that runs and waits, and the run fails by it; what is for failures comes after', () => {
    const flow = new Flow(limited());
    flow.succeed('a');
    const attemptId = flow.start('b');
    expect(fireAt(flow, key)).toBe((flow.state.startedAt ?? 0) + 600_000);
    fire(flow, key);
    const cause = { kind: 'clock', clock: 'workflow', limitMs: 600_000 };
    expect(flow.state.cancelRequested).toMatchObject({ by: 'workflow', because: { kind: 'deadline' } });
    for (const id of ['rest', 'ask', 'last']) expect(flow.node(id)).toMatchObject({ state: 'cancelled', cause });
    expect(flow.nodeStates()).toMatchObject({ a: 'succeeded', b: 'running', tell: 'waiting' });
    expect(flow.attempt(attemptId).cancelRequested).toMatchObject({ by: 'workflow', because: { kind: 'deadline' } });
    flow.do({
      kind: 'finish',
      attemptId,
      result: { state: 'cancelled', cause: { kind: 'cancelled', by: 'workflow' } },
    });
    expect(flow.node('b')).toMatchObject({ state: 'cancelled', cause });
    expect(flow.node('tell').state).toBe('ready');
    flow.succeed('tell');
    expect(flow.state).toMatchObject({ state: 'failed', cause, broken: [] });
  });

  it('keeps what an attempt says of its own end', () => {
    const flow = new Flow(limited());
    const attemptId = flow.start('b');
    fire(flow, key);
    const cause = { kind: 'exit', step: 0, stepName: 'Test', exitCode: 3 } as const;
    flow.do({ kind: 'finish', attemptId, result: { state: 'failed', cause } });
    expect(flow.node('b')).toMatchObject({ state: 'cancelled', cause });
    expect(flow.attempt(attemptId)).toMatchObject({ state: 'cancelled', cause });
  });

  it('counts from the planning on while nothing has started, or from when its turn came', () => {
    const jobs = { ...spec(job('a')), deadlineMs: 600_000 };
    const queued = new Flow(jobs);
    expect(fireAt(queued, key)).toBe(queued.state.createdAt + 600_000);
    expect(waitingFor(queued.state, 'a')).toContain(`until ${instant(fireAt(queued, key))} at the latest (workflow)`);
    fire(queued, key);
    expect(queued.state).toMatchObject({ state: 'failed', cause: { clock: 'workflow' } });
    const held = new Flow();
    held.do({ kind: 'plan', runId: 'r1', spec: jobs, held: true });
    held.now += 1_000_000;
    held.do({ kind: 'admit' });
    expect(fireAt(held, key)).toBe(held.now + 600_000);
    held.start('a');
    expect(fireAt(held, key)).toBe((held.state.startedAt ?? 0) + 600_000);
  });

  it('says nothing of a held run, nor of one that is being cancelled, nor of what comes after failures', () => {
    const held = new Flow();
    held.do({ kind: 'plan', runId: 'r1', spec: limited(), held: true });
    expect(timersOf(held.state)).toEqual([]);
    const cancelled = new Flow(limited());
    cancelled.start('a');
    cancelled.do({ kind: 'cancel', by: 'mara' });
    expect(timersOf(cancelled.state)).toEqual([]);
    const after = new Flow({ ...spec(job('a'), job('tell', [], { onFailure: true })), deadlineMs: 600_000 });
    after.fail('a');
    expect(timersOf(after.state)).toEqual([]);
    expect(waitingFor(after.state, 'tell')).not.toContain('until');
  });

  it('leaves what comes after it to be cancelled', () => {
    const flow = new Flow(limited());
    fire(flow, key);
    const attemptId = flow.start('tell');
    flow.do({ kind: 'cancel', by: 'mara' });
    expect(flow.do({ kind: 'cancel', by: 'mara' })).toEqual([]);
    flow.do({ kind: 'finish', attemptId, result: { state: 'cancelled' } });
    expect(flow.node('tell')).toMatchObject({ state: 'cancelled', cause: { kind: 'cancelled', by: 'mara' } });
    expect(flow.state).toMatchObject({ state: 'cancelled', cause: { kind: 'cancelled', by: 'mara' } });
  });
});

describe('the deadline of a branch', () => {
  const key = 'branch:r1/b';
  const cause = { kind: 'clock', clock: 'branch', limitMs: 300_000 };
  const limited = (): RunSpec =>
    spec(
      job('first'),
      branch('b', 'true', ['first'], { deadlineMs: 300_000 }),
      job('queued', ['b'], then('b')),
      job('running', ['b'], then('b')),
      wait('rest', ['b'], { ...then('b'), forMs: 900_000 }),
      gate('ask', ['b'], then('b')),
      job('last', ['b', 'running'], then('b')),
      job('beside'),
      job('after', ['b', 'queued', 'running', 'rest', 'ask', 'last']),
    );

  it('leaves out what stands on the side that was not taken: it is skipped, as it would have been in its turn', () => {
    const other = (id: string) => ({ branch: { id, side: 'else' as const } });
    const flow = new Flow(
      spec(
        job('slow'),
        job('in-inner', ['inner'], then('inner')),
        branch('inner', 'true', ['b', 'slow'], other('b')),
        job('not-taken', ['b', 'slow'], other('b')),
        job('taken', ['b', 'slow'], then('b')),
        branch('b', 'true', [], { deadlineMs: 300_000 }),
      ),
    );
    fire(flow, key);
    const skipped = { state: 'skipped', cause: { kind: 'condition', detail: 'branch b went to then: true is true' } };
    expect(flow.node('not-taken')).toMatchObject(skipped);
    expect(flow.node('inner')).toMatchObject(skipped);
    expect(flow.node('in-inner')).toMatchObject({ state: 'skipped', cause: { kind: 'condition' } });
    expect(flow.node('taken')).toMatchObject({ state: 'timed_out', cause });
    flow.succeed('slow');
    expect(flow.state).toMatchObject({ state: 'failed', broken: ['taken'] });
  });

  it('counts from its decision, ends what stands in it as timed out, and nothing else', () => {
    const flow = new Flow(limited());
    expect(timersOf(flow.state)).toEqual([]);
    flow.succeed('first');
    expect(fireAt(flow, key)).toBe((flow.node('b').endedAt ?? 0) + 300_000);
    const attemptId = flow.start('running');
    const until = instant(fireAt(flow, key));
    expect(waitingFor(flow.state, 'queued')).toContain(`, until ${until} at the latest (branch b)`);
    expect(waitingFor(flow.state, 'running')).toContain(`, until ${until} at the latest (branch b)`);
    expect(waitingFor(flow.state, 'last')).toBe(`needs running, until ${until} at the latest (branch b)`);
    expect(waitingFor(flow.state, 'rest')).toContain(`, and no longer than the deadline of branch b at ${until}`);
    expect(waitingFor(flow.state, 'ask')).toContain(`until ${until} (deadline of branch b)`);
    expect(waitingFor(flow.state, 'beside')).not.toContain('until');
    fire(flow, key);
    for (const id of ['queued', 'rest', 'ask', 'last'])
      expect(flow.node(id)).toMatchObject({ state: 'timed_out', cause });
    expect(flow.last('queued')).toMatchObject({ state: 'timed_out', cause });
    expect(flow.nodeStates()).toMatchObject({ running: 'running', beside: 'ready', after: 'waiting' });
    flow.do({
      kind: 'finish',
      attemptId,
      result: { state: 'cancelled', cause: { kind: 'cancelled', by: 'branch b' } },
    });
    expect(flow.node('running')).toMatchObject({ state: 'timed_out', cause });
    expect(flow.attempt(attemptId)).toMatchObject({ state: 'cancelled', cause });
    expect(flow.node('after')).toMatchObject({ state: 'skipped', cause: { kind: 'nodes' } });
    flow.succeed('beside');
    expect(flow.state).toMatchObject({
      state: 'failed',
      cause: { nodes: ['queued', 'running', 'rest', 'ask', 'last'] },
    });
  });

  it.each(['succeeded', 'failed', 'timed_out'] as const)('is not undone by a runner that says %s', (state) => {
    const flow = new Flow(limited());
    flow.succeed('first');
    const attemptId = flow.start('running');
    fire(flow, key);
    flow.do({ kind: 'finish', attemptId, result: { state, outputs: { version: '1' } } });
    expect(flow.node('running')).toMatchObject({ state: 'timed_out', cause });
    expect(flow.node('running').outputs).toBeUndefined();
  });

  it('tries nothing again that is lost after it, nor what could begin only after it', () => {
    const flow = new Flow(limited());
    flow.succeed('first');
    const attemptId = flow.start('running');
    flow.claim('r1/queued/1');
    flow.now = (fireAt(flow, key) ?? 0) - 1_500;
    flow.do({ kind: 'lose', attemptId: 'r1/queued/1', detail: 'gone' });
    expect(flow.node('queued')).toMatchObject({
      state: 'failed',
      cause: { detail: 'gone; its deadline leaves no time to try it again' },
    });
    fire(flow, key);
    flow.do({ kind: 'lose', attemptId, detail: 'host away' });
    expect(flow.node('running')).toMatchObject({ state: 'timed_out', cause });
    expect(flow.attempt(attemptId)).toMatchObject({ state: 'cancelled', cause: { kind: 'lost' } });
  });

  it('is gone with the last node in it, and a result that came before it stays', () => {
    const flow = new Flow(
      spec(branch('b', 'true', [], { deadlineMs: 300_000 }), job('a', ['b'], then('b')), job('beside')),
    );
    flow.succeed('a');
    expect(timersOf(flow.state)).toEqual([]);
    flow.now += 1_000_000;
    expect(flow.do({ kind: 'fire', key })).toEqual([]);
    expect(flow.node('a').state).toBe('succeeded');
  });

  it('an allowed failure stays allowed', () => {
    const flow = new Flow(
      spec(branch('b', 'true', [], { deadlineMs: 1 }), job('a', ['b'], { ...then('b'), allowFailure: true })),
    );
    fire(flow, key);
    expect(flow.node('a')).toMatchObject({ state: 'timed_out', tolerated: true });
    expect(flow.state.state).toBe('succeeded');
  });
});

describe('deadlines in deadlines', () => {
  const nested = (outer: number, inner: number, own: number, run: number): RunSpec => ({
    ...spec(
      branch('outer', 'true', [], { deadlineMs: outer }),
      branch('inner', 'true', ['outer'], { ...then('outer'), deadlineMs: inner }),
      job('a', ['inner'], { ...then('inner'), deadlineMs: own }),
    ),
    deadlineMs: run,
  });

  it.each([
    [
      [10_000, 20_000, 30_000, 40_000],
      'branch outer',
      { state: 'timed_out', cause: { clock: 'branch', limitMs: 10_000 } },
    ],
    [
      [20_000, 10_000, 30_000, 40_000],
      'branch inner',
      { state: 'timed_out', cause: { clock: 'branch', limitMs: 10_000 } },
    ],
    [
      [30_000, 20_000, 10_000, 40_000],
      'deadline',
      { state: 'timed_out', cause: { clock: 'deadline', limitMs: 10_000 } },
    ],
    [
      [30_000, 20_000, 15_000, 10_000],
      'workflow',
      { state: 'cancelled', cause: { clock: 'workflow', limitMs: 10_000 } },
    ],
  ] as const)('%j: the tightest counts, that of %s', ([outer, inner, own, run], name, ending) => {
    const flow = new Flow(nested(outer, inner, own, run));
    const timers = timersOf(flow.state).toSorted((a, b) => a.fireAtMs - b.fireAtMs);
    expect(timers).toHaveLength(4);
    expect(waitingFor(flow.state, 'a')).toContain(`until ${instant(timers[0]?.fireAtMs)} at the latest (${name})`);
    fire(flow, timers[0]?.key ?? '');
    expect(flow.node('a')).toMatchObject(ending);
    expect(flow.state.state).toBe('failed');
    expect(timersOf(flow.state)).toEqual([]);
  });

  it('the outer one takes a branch in it that is not decided yet', () => {
    const flow = new Flow(
      spec(
        branch('outer', 'true', [], { deadlineMs: 10_000 }),
        job('slow', ['outer'], then('outer')),
        branch('inner', 'true', ['outer', 'slow'], then('outer')),
        job('a', ['inner'], then('inner')),
      ),
    );
    fire(flow, 'branch:r1/outer');
    expect(flow.nodeStates()).toEqual({ outer: 'succeeded', slow: 'timed_out', inner: 'timed_out', a: 'timed_out' });
  });
});

describe('a runner that says first that a deadline is over', () => {
  const says = (flow: Flow, attemptId: string, clock: 'workflow' | 'branch', limitMs: number) =>
    flow.do({
      kind: 'finish',
      attemptId,
      result: { state: 'cancelled', cause: { kind: 'clock', clock, limitMs, step: 0, stepName: 'Test' } },
    });
  const endOf = (flow: Flow, key: string): number => fireAt(flow, key) ?? Number.NaN;

  it('ends all of the workflow, once: its timer comes to nothing', () => {
    const key = 'workflow:r1';
    const flow = new Flow({
      ...spec(job('a'), job('b'), job('last', ['a']), job('tell', [], { onFailure: true })),
      deadlineMs: 600_000,
    });
    const [a, b] = [flow.start('a'), flow.start('b')];
    flow.now = endOf(flow, key) - 2_500;
    says(flow, a, 'workflow', 600_000);
    const cause = { kind: 'clock', clock: 'workflow', limitMs: 600_000 };
    expect(flow.attempt(a)).toMatchObject({ state: 'cancelled', cause: { ...cause, step: 0 } });
    expect(flow.node('a')).toMatchObject({ state: 'cancelled', cause });
    expect(flow.node('last')).toMatchObject({ state: 'cancelled', cause });
    expect(flow.attempt(b).cancelRequested).toMatchObject({ because: { kind: 'deadline', limitMs: 600_000 } });
    expect(fireAt(flow, key)).toBeUndefined();
    expect(flow.do({ kind: 'fire', key })).toEqual([]);
    says(flow, b, 'workflow', 600_000);
    flow.succeed('tell');
    expect(flow.log.filter(({ kind }) => kind === 'run.cancel-requested')).toHaveLength(1);
    expect(flow.state).toMatchObject({ state: 'failed', cause });
  });

  it('ends all of its branch, the one whose time it was, and nothing else', () => {
    const inner = { branch: { id: 'inner', side: 'then' as const } };
    const flow = new Flow(
      spec(
        branch('b', 'true', [], { deadlineMs: 900_000 }),
        branch('inner', 'true', ['b'], { ...then('b'), deadlineMs: 300_000 }),
        job('a', ['inner'], inner),
        job('next', ['inner', 'a'], inner),
        job('around', ['b'], then('b')),
      ),
    );
    const attemptId = flow.start('a');
    flow.now = endOf(flow, 'branch:r1/inner');
    says(flow, attemptId, 'branch', 300_000);
    const cause = { kind: 'clock', clock: 'branch', limitMs: 300_000 };
    expect(flow.attempt(attemptId)).toMatchObject({ state: 'cancelled', cause });
    for (const id of ['a', 'next']) expect(flow.node(id)).toMatchObject({ state: 'timed_out', cause });
    expect(flow.node('around').state).toBe('ready');
    expect(fireAt(flow, 'branch:r1/inner')).toBeUndefined();
    expect(fireAt(flow, 'branch:r1/b')).toBeDefined();
  });

  it('stands alone where it is far too early, or there is no such deadline; and is not tried again', () => {
    const early = new Flow({
      ...spec(job('a', [], { retry: { times: 3, on: ['timeout'] } }), job('b')),
      deadlineMs: 600_000,
    });
    const attemptId = early.start('a');
    early.now = endOf(early, 'workflow:r1') - 3_500;
    says(early, attemptId, 'workflow', 600_000);
    expect(early.node('a')).toMatchObject({ state: 'timed_out', cause: { clock: 'workflow' } });
    expect(early.state.cancelRequested).toBeUndefined();
    expect(early.nodeStates()).toMatchObject({ b: 'ready' });
    const none = new Flow(spec(job('a'), job('b')));
    says(none, none.start('a'), 'branch', 1);
    expect(none.node('a').state).toBe('timed_out');
    expect(none.nodeStates()).toMatchObject({ b: 'ready' });
  });

  it('changes nothing of a cancel that came before', () => {
    const flow = new Flow({ ...spec(job('a')), deadlineMs: 600_000 });
    const attemptId = flow.start('a');
    flow.do({ kind: 'cancel', by: 'mara' });
    says(flow, attemptId, 'workflow', 600_000);
    expect(flow.state).toMatchObject({ state: 'cancelled', cause: { kind: 'cancelled', by: 'mara' } });
  });
});
