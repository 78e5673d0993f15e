import { describe, expect, it } from 'vitest';
import { decide } from './decide.js';
import { isRefusal } from './messages.js';
import { branch, Flow, gate, job, spec } from './testing/flows.js';
import { waitingFor } from './waiting.js';

const looking = { onFailure: true as const };
const nodes = spec(job('a'), job('b'), job('tell', [], looking), job('sweep', ['tell'], looking));

describe('nodes for failures', () => {
  it('begin when all else has ended and something failed', () => {
    const flow = new Flow(nodes);
    expect(flow.nodeStates()).toMatchObject({ tell: 'waiting', sweep: 'waiting' });
    expect(waitingFor(flow.state, 'tell')).toBe('all else has to end first: it begins if something fails');
    flow.fail('a');
    expect(flow.nodeStates()).toMatchObject({ b: 'ready', tell: 'waiting' });
    flow.succeed('b');
    expect(flow.nodeStates()).toMatchObject({ tell: 'ready', sweep: 'waiting' });
    expect(flow.state.state).toBe('running');
    flow.succeed('tell');
    flow.succeed('sweep');
    expect(flow.state).toMatchObject({ state: 'failed', cause: { kind: 'nodes', nodes: ['a'] } });
  });

  it('say until when all else may go on, where the workflow has a deadline', () => {
    const flow = new Flow({ ...nodes, deadlineMs: 60_000 });
    const until = new Date(flow.state.createdAt + 60_000).toISOString();
    expect(waitingFor(flow.state, 'tell')).toBe(
      `all else has to end first, until ${until} at the latest (workflow): it begins if something fails`,
    );
  });

  it('are skipped when nothing failed, which is no failure', () => {
    const flow = new Flow(nodes);
    flow.succeed('a');
    flow.succeed('b');
    expect(flow.nodeStates()).toMatchObject({ tell: 'skipped', sweep: 'skipped' });
    expect(flow.node('sweep').cause).toEqual({ kind: 'condition', detail: 'nothing failed' });
    expect(flow.state.state).toBe('succeeded');
  });

  it('do not begin for a failure that was allowed', () => {
    const flow = new Flow(spec(job('a', [], { allowFailure: true }), job('tell', [], looking)));
    flow.fail('a');
    expect(flow.state.state).toBe('succeeded');
    expect(flow.node('tell').state).toBe('skipped');
  });

  it('change nothing by their own failure, which holds up only what needs it', () => {
    const flow = new Flow(nodes);
    flow.fail('a');
    flow.succeed('b');
    flow.fail('tell');
    expect(flow.nodeStates()).toMatchObject({ tell: 'failed', sweep: 'skipped' });
    expect(flow.state).toMatchObject({ state: 'failed', cause: { kind: 'nodes', nodes: ['a'] }, broken: ['a'] });
  });

  it('may ask and read: gates, branches and conditions', () => {
    const flow = new Flow(
      spec(
        job('a'),
        branch('which', "needs.a.result == 'failed'", ['a'], { ...looking, needsOn: { a: 'always' } }),
        gate('ask', ['which'], { ...looking, branch: { id: 'which', side: 'then' } }),
        job('never', ['which'], { ...looking, branch: { id: 'which', side: 'else' } }),
      ),
    );
    flow.fail('a');
    expect(flow.nodeStates()).toEqual({ a: 'failed', which: 'succeeded', ask: 'running', never: 'skipped' });
    flow.say('reject', 'ask', 'ada');
    expect(flow.state).toMatchObject({ state: 'failed', broken: ['a'] });
  });

  it('are cancelled with their run, before they begin and after', () => {
    const early = new Flow(nodes);
    early.do({ kind: 'cancel', by: 'mara' });
    expect(early.nodeStates()).toEqual({ a: 'cancelled', b: 'cancelled', tell: 'cancelled', sweep: 'cancelled' });
    const late = new Flow(nodes);
    late.fail('a');
    late.succeed('b');
    const attemptId = late.start('tell');
    late.do({ kind: 'cancel', by: 'mara' });
    late.do({ kind: 'finish', attemptId, result: { state: 'cancelled' } });
    expect(late.nodeStates()).toMatchObject({ tell: 'cancelled', sweep: 'cancelled' });
    expect(late.state.state).toBe('cancelled');
  });

  it('begin at once in a run in which all else is as it was', () => {
    const reused = {
      a: { runId: 'r0', state: 'failed' as const, cause: { kind: 'out-of-memory' as const } },
      b: { runId: 'r0', state: 'succeeded' as const },
    };
    const flow = new Flow();
    flow.do({ kind: 'plan', runId: 'r1', spec: nodes, reused });
    expect(flow.nodeStates()).toEqual({ a: 'failed', b: 'succeeded', tell: 'ready', sweep: 'waiting' });
  });

  it.each([
    [[job('a', [], looking)], /at least one job that is not for failures only/],
    [[job('a', ['b']), job('b', [], looking)], /a needs b, which begins only when all others have ended/],
    [[branch('b', 'true'), job('a', ['b'], { ...looking, branch: { id: 'b', side: 'then' } })], /stands in branch b/],
  ])('%#: are refused where nothing could come of it', (all, reason) => {
    const refused = decide(undefined, { kind: 'plan', runId: 'r', spec: spec(...all) }, 0);
    expect(isRefusal(refused) && refused.reason).toMatch(reason);
  });
});
