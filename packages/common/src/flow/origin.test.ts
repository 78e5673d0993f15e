import { describe, expect, it } from 'vitest';
import { checkOf } from './check-state.js';
import { replay } from './evolve.js';
import { withoutExport } from './export.js';
import type { FlowEvent, Origin } from './messages.js';
import { drain, Flow, gate, job, spec, wait } from './testing/flows.js';
import { timersOf } from './timers.js';
import { waitingFor } from './waiting.js';

const grouped = {
  ...spec(job('a'), wait('w'), job('b', ['a'])),
  concurrency: { group: 'main', policy: 'queue' as const },
};
const check = (flow: Flow) => checkOf(flow.state, { pageKey: 'k' });

function planned(origin: Origin): Flow {
  const flow = new Flow();
  flow.do({ kind: 'plan', runId: 'r1', spec: grouped, ...origin });
  return flow;
}

describe('a run that is held', () => {
  it('does not begin, waits for nothing in time, and says why', () => {
    const flow = planned({ held: true });
    expect(flow.log.map(({ kind }) => kind)).toEqual(['run.planned']);
    expect(flow.nodeStates()).toEqual({ a: 'waiting', w: 'waiting', b: 'waiting' });
    expect(timersOf(flow.state)).toEqual([]);
    expect(waitingFor(flow.state, 'a')).toBe("its run's turn in concurrency group main");
    expect(waitingFor(flow.state, 'b')).toBe('needs a');
    expect(check(flow)).toMatchObject({
      state: 'pending',
      title: 'Waiting for its turn in concurrency group main · 3 jobs',
    });
  });

  it('begins when it is admitted, once', () => {
    const flow = planned({ held: true });
    flow.do({ kind: 'admit' });
    expect(flow.nodeStates()).toEqual({ a: 'ready', w: 'running', b: 'waiting' });
    expect(flow.state.held).toBeUndefined();
    expect(flow.do({ kind: 'admit' })).toEqual([]);
    drain(flow);
    expect(flow.state.state).toBe('succeeded');
    expect(flow.try({ kind: 'admit' })).toMatchObject({ refused: true, state: 'succeeded' });
    expect(replay(flow.log)).toEqual(flow.state);
  });

  it('has nodes that are not done again, and begins with the others', () => {
    const flow = planned({ held: true, reused: { a: { runId: 'r0', state: 'succeeded' } } });
    expect(flow.nodeStates()).toEqual({ a: 'succeeded', w: 'waiting', b: 'waiting' });
    flow.do({ kind: 'admit' });
    expect(flow.nodeStates()).toMatchObject({ b: 'ready' });
  });

  it('ends at once when it is cancelled, and is not admitted any more', () => {
    const flow = planned({ held: true });
    flow.do({ kind: 'cancel', by: 'mara' });
    expect(flow.state).toMatchObject({ state: 'cancelled', cause: { kind: 'cancelled', by: 'mara' } });
    expect(flow.try({ kind: 'admit' })).toMatchObject({ refused: true, state: 'cancelled' });
  });
});

describe('a run whose place a newer one takes', () => {
  const cause = { kind: 'superseded', runId: 'r9' };

  it('ends at once where no host has anything of it', () => {
    for (const origin of [{}, { held: true as const }]) {
      const flow = planned(origin);
      flow.do({ kind: 'supersede', byRunId: 'r9' });
      expect(flow.state).toMatchObject({ state: 'superseded', cause });
      expect(flow.node('b')).toMatchObject({ state: 'cancelled', cause });
      expect(check(flow)).toMatchObject({ state: 'cancelled', title: 'Superseded by a newer run' });
      expect(flow.try({ kind: 'supersede', byRunId: 'r9' })).toMatchObject({ refused: true, state: 'superseded' });
      expect(replay(flow.log)).toEqual(flow.state);
    }
  });

  it('asks hosts to end what they have, and then ends so, whatever the runner says', () => {
    const flow = planned({});
    flow.start('a');
    flow.do({ kind: 'supersede', byRunId: 'r9' });
    expect(flow.do({ kind: 'supersede', byRunId: 'r9' })).toEqual([]);
    expect(flow.do({ kind: 'cancel', by: 'mara' })).toEqual([]);
    expect(flow.nodeStates()).toEqual({ a: 'running', w: 'cancelled', b: 'cancelled' });
    const by = { kind: 'cancelled' as const, by: 'concurrency group main' };
    flow.do({ kind: 'finish', attemptId: 'r1/a/1', result: { state: 'cancelled', cause: by } });
    expect(flow.node('a')).toMatchObject({ state: 'cancelled', cause });
    expect(flow.state).toMatchObject({ state: 'superseded', cause });
  });

  it('stays cancelled by whoever asked before', () => {
    const flow = planned({});
    flow.start('a');
    flow.do({ kind: 'cancel', by: 'mara' });
    expect(flow.do({ kind: 'supersede', byRunId: 'r9' })).toEqual([]);
    flow.do({ kind: 'finish', attemptId: 'r1/a/1', result: { state: 'succeeded' } });
    expect(flow.state).toMatchObject({ state: 'cancelled', cause: { by: 'mara' } });
  });

  it('never begins when the newer one was planned before it', () => {
    const flow = planned({ supersededBy: 'r9', reused: { a: { runId: 'r0', state: 'succeeded' } } });
    expect(flow.state).toMatchObject({ state: 'superseded', cause });
    expect(flow.nodeStates()).toEqual({ a: 'succeeded', w: 'cancelled', b: 'cancelled' });
    expect(flow.log.some(({ kind }) => kind === 'node.readied')).toBe(false);
    expect(replay(flow.log)).toEqual(flow.state);
  });
});

describe('an export', () => {
  const waitingRun = (): Flow => {
    const flow = new Flow(spec(job('a'), gate('g', ['a']), job('b', ['g']), job('c')));
    flow.succeed('a');
    return flow;
  };

  it('ends the run here, and cut from the log the run goes on where it was', () => {
    const flow = waitingRun();
    const before = flow.state;
    flow.do({ kind: 'export', by: 'mara' });
    expect(flow.state).toMatchObject({ state: 'cancelled', cause: { kind: 'exported', by: 'mara' } });
    expect(flow.node('g')).toMatchObject({ state: 'cancelled', cause: { kind: 'exported', by: 'mara' } });
    expect(flow.attempt('r1/c/1')).toMatchObject({ state: 'cancelled' });
    expect(check(flow)).toMatchObject({ state: 'cancelled', title: 'Exported by mara, to go on elsewhere' });
    const log = withoutExport(JSON.parse(JSON.stringify(flow.log)) as FlowEvent[]);
    expect(replay(log)).toEqual(before);
    const elsewhere = new Flow();
    elsewhere.run = replay(log);
    elsewhere.now = flow.now;
    elsewhere.say('approve', 'g', 'ada');
    elsewhere.succeed('b');
    elsewhere.succeed('c');
    expect(elsewhere.state.state).toBe('succeeded');
  });

  it.each(['claimed', 'running'])('is refused while a host has anything of it: %s', (state) => {
    const flow = waitingRun();
    flow.claim('r1/c/1', 'birch');
    if (state === 'running') {
      flow.do({ kind: 'start', attemptId: 'r1/c/1' });
    }
    expect(flow.try({ kind: 'export', by: 'mara' })).toEqual({
      refused: true,
      reason: 'birch has c: export the run when that has ended, or cancel it',
      state: 'running',
    });
    expect(flow.state.cancelRequested).toBeUndefined();
  });

  it('is refused when the run has ended, also by an export', () => {
    const flow = waitingRun();
    flow.do({ kind: 'export', by: 'mara' });
    expect(flow.try({ kind: 'export', by: 'bo' })).toEqual({
      refused: true,
      reason: 'the run has ended: exported by mara',
      state: 'cancelled',
    });
    const done = new Flow(spec(job('a')));
    done.succeed('a');
    expect(done.try({ kind: 'export', by: 'bo' })).toMatchObject({ reason: 'the run has ended: succeeded' });
  });

  it('of a held run goes on held', () => {
    const flow = planned({ held: true });
    flow.do({ kind: 'export', by: 'mara' });
    expect(replay(withoutExport(flow.log))).toMatchObject({ state: 'queued', held: true });
  });

  it('is cut from the log only where there is one', () => {
    const flow = waitingRun();
    flow.do({ kind: 'cancel', by: 'mara' });
    expect(withoutExport(flow.log)).toEqual(flow.log);
  });

  it('can follow an import', () => {
    const flow = waitingRun();
    flow.do({ kind: 'export', by: 'mara' });
    const second = new Flow();
    second.log.push(...withoutExport(flow.log));
    second.run = replay(second.log);
    second.now = flow.now;
    second.say('approve', 'g', 'ada');
    const before = second.state;
    second.do({ kind: 'export', by: 'bo' });
    expect(replay(withoutExport(second.log))).toEqual(before);
  });
});
