import { describe, expect, it } from 'vitest';
import type { Cause } from './cause.js';
import { decide } from './decide.js';
import type { NodeSpec, RunSpec } from './spec.js';
import { branch, Flow, gate, job, spec, wait } from './testing/flows.js';

const inside = (id: string, side: 'then' | 'else'): { branch: { id: string; side: 'then' | 'else' } } => ({
  branch: { id, side },
});

/** As the file says: `publish` in `then`, `nightly` in `else`, and `soak` after all of it. */
const channel = (tag: string, more: NodeSpec[] = []): RunSpec => ({
  ...spec(
    job('test'),
    branch('channel', "glob(tag, 'v*')", ['test']),
    job('publish', ['channel'], inside('channel', 'then')),
    job('announce', ['channel', 'publish'], inside('channel', 'then')),
    job('nightly', ['channel'], inside('channel', 'else')),
    wait('soak', ['channel', 'publish', 'announce', 'nightly']),
    ...more,
  ),
  values: { tag },
  bundles: { channel: ['channel', 'publish', 'announce', 'nightly'] },
});

describe('a branch', () => {
  it('takes the side that its condition says; the other is skipped, and holds nothing up', () => {
    const flow = new Flow(channel('v1'));
    expect(flow.node('channel').state).toBe('waiting');
    flow.succeed('test');
    expect(flow.node('channel')).toMatchObject({ state: 'succeeded', outputs: { taken: 'then' }, attempts: [] });
    expect(flow.nodeStates()).toMatchObject({ publish: 'ready', announce: 'waiting', nightly: 'skipped' });
    const cause: Cause = { kind: 'condition', detail: "branch channel went to then: glob(tag, 'v*') is true" };
    expect(flow.node('nightly').cause).toEqual(cause);
    flow.succeed('publish');
    flow.succeed('announce');
    expect(flow.nodeStates()).toMatchObject({ soak: 'running' });
  });

  it('goes to else, whose other needs may have failed', () => {
    const lint = [job('lint', [], { allowFailure: true })];
    const flow = new Flow(channel('', lint));
    flow.succeed('test');
    expect(flow.node('channel').outputs).toEqual({ taken: 'else' });
    expect(flow.nodeStates()).toMatchObject({ publish: 'skipped', announce: 'skipped', nightly: 'ready' });
    expect(flow.node('announce').cause).toEqual({
      kind: 'condition',
      detail: "branch channel went to else: glob(tag, 'v*') is false",
    });
    flow.fail('nightly');
    expect(flow.nodeStates()).toMatchObject({ soak: 'skipped' });
    expect(flow.node('soak').cause).toEqual({ kind: 'nodes', nodes: ['nightly'] });
  });

  it('without anything on the side that it takes is through with its decision', () => {
    const flow = new Flow(spec(branch('b', 'false'), job('a', ['b'], inside('b', 'then')), job('after', ['b', 'a'])));
    expect(flow.nodeStates()).toEqual({ b: 'succeeded', a: 'skipped', after: 'ready' });
    // Nothing has run yet.
    expect(flow.state.state).toBe('queued');
    const empty = new Flow(spec(branch('b', 'true')));
    expect(empty.state.state).toBe('succeeded');
  });

  it('in a branch that was not taken is not decided, nor is what stands in it asked for', () => {
    const nodes = (outer: string) =>
      spec(
        branch('outer', outer),
        branch('inner', 'true', ['outer'], inside('outer', 'then')),
        job('deep', ['inner'], inside('inner', 'then')),
        job('other', ['inner'], inside('inner', 'else')),
        job('after', ['outer', 'inner', 'deep', 'other']),
      );
    const taken = new Flow(nodes('true'));
    expect(taken.nodeStates()).toMatchObject({ inner: 'succeeded', deep: 'ready', other: 'skipped', after: 'waiting' });
    const not = new Flow(nodes('false'));
    expect(not.nodeStates()).toMatchObject({ inner: 'skipped', deep: 'skipped', other: 'skipped', after: 'ready' });
    expect(not.node('deep').cause).toEqual({
      kind: 'condition',
      detail: 'branch inner was skipped: branch outer went to else: false is false',
    });
  });

  it('whose needs failed is skipped for their sake, with all that stands in it', () => {
    const flow = new Flow(channel('v1'));
    flow.fail('test');
    const cause = { kind: 'nodes', nodes: ['test'] };
    for (const id of ['channel', 'publish', 'announce', 'nightly', 'soak']) {
      expect(flow.node(id)).toMatchObject({ state: 'skipped', cause });
    }
    expect(flow.state).toMatchObject({ state: 'failed', cause });
  });

  it('that cannot be decided fails, and takes no side, also where it may', () => {
    const nodes = (more: { allowFailure?: true }) =>
      spec(
        branch('b', '1 / 0 > 1', [], more),
        job('a', ['b'], inside('b', 'then')),
        job('c', ['b'], inside('b', 'else')),
        job('after', ['b', 'a', 'c']),
      );
    const flow = new Flow(nodes({}));
    expect(flow.nodeStates()).toEqual({ b: 'failed', a: 'skipped', c: 'skipped', after: 'skipped' });
    expect(flow.node('b').cause).toMatchObject({ kind: 'expression' });
    const allowed = new Flow(nodes({ allowFailure: true }));
    expect(allowed.nodeStates()).toEqual({ b: 'failed', a: 'skipped', c: 'skipped', after: 'ready' });
    expect(allowed.node('a').cause).toEqual({ kind: 'condition', detail: 'branch b took no side' });
  });

  it('suspends in it: a gate and a wait go on only if their side was taken', () => {
    const nodes = (when: string) =>
      spec(
        branch('b', when),
        gate('ask', ['b'], inside('b', 'then')),
        wait('rest', ['b', 'ask'], inside('b', 'then')),
        wait('other', ['b'], inside('b', 'else')),
      );
    const flow = new Flow(nodes('true'));
    expect(flow.nodeStates()).toEqual({ b: 'succeeded', ask: 'running', rest: 'waiting', other: 'skipped' });
    flow.say('approve', 'ask', 'ada');
    expect(flow.nodeStates()).toMatchObject({ ask: 'succeeded', rest: 'running' });
    expect(new Flow(nodes('false')).nodeStates()).toMatchObject({ ask: 'skipped', rest: 'skipped', other: 'running' });
  });

  it('is read as a whole: the worst of it, and what it took', () => {
    const when = "needs.channel.result == 'failed' && needs.channel.outputs.taken == 'then'";
    const all = ['channel', 'publish', 'announce', 'nightly'];
    const tell = job('tell', all, { when, needsOn: Object.fromEntries(all.map((id) => [id, 'always' as const])) });
    const flow = new Flow(channel('v1', [tell]));
    flow.succeed('test');
    flow.fail('publish');
    expect(flow.nodeStates()).toMatchObject({ announce: 'skipped', tell: 'ready' });
  });

  it.each([
    [[job('a', [], inside('b', 'then'))], 'a stands in branch b, which there is not'],
    [[job('b'), job('a', ['b'], inside('b', 'then'))], 'a stands in branch b, which there is not'],
    [[branch('b', 'true'), job('a', [], inside('b', 'then'))], 'a stands in branch b, and does not need it'],
    [
      [branch('b', 'true', ['c'], inside('c', 'then')), branch('c', 'true', ['b'], inside('b', 'then'))],
      'its jobs need each other in a circle',
    ],
  ])('%#: is refused where nothing could come of it: %s', (nodes, reason) => {
    const runSpec = spec(...nodes);
    expect(decide(undefined, { kind: 'plan', runId: 'r', spec: runSpec }, 0)).toMatchObject({ refused: true, reason });
  });
});
