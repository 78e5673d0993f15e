import { describe, expect, it } from 'vitest';
import { conditionContextOf } from './conditions.js';
import type { RunSpec } from './spec.js';
import { Flow, gate, job, spec, wait } from './testing/flows.js';

const withValues = (runSpec: RunSpec, more: Partial<RunSpec> = {}): RunSpec => ({
  ...runSpec,
  values: { branch: 'main', tag: '', event: 'push', 'inputs.level': 'debug', 'inputs.count': 3, 'inputs.dry': false },
  ...more,
});

const finish = (flow: Flow, nodeId: string, state: 'succeeded' | 'failed', outputs: Record<string, string>) =>
  flow.do({ kind: 'finish', attemptId: flow.start(nodeId), result: { state, outputs } });

describe('when', () => {
  it.each([
    ["branch == 'main'", 'ready'],
    ["branch == 'next'", 'skipped'],
    ["inputs.level == 'debug' && inputs.count + 1 == 4 && !inputs.dry", 'ready'],
    ["glob(branch, 'ma*')", 'ready'],
    ["changed('src/**')", 'ready'],
    ["changed('docs/**')", 'skipped'],
    ["runs_on == 'default'", 'ready'],
    ['inputs.count / (inputs.count - 3) == 1', 'failed'],
    ['inputs.other == 1', 'failed'],
    ["changed('nobody/asked')", 'failed'],
    ['branch ==', 'failed'],
    ['branch', 'failed'],
  ])('%s: %s', (when, state) => {
    const changed = { 'src/**': true, 'docs/**': false };
    const flow = new Flow(withValues(spec(job('a', [], { when }), job('b')), { changed }));
    expect(flow.nodeStates()).toEqual({ a: state, b: 'ready' });
  });

  it('that is false skips the node, says so, and holds nothing up', () => {
    const flow = new Flow(withValues(spec(job('a', [], { when: "branch == 'next'" }), job('b', ['a']))));
    expect(flow.node('a')).toMatchObject({
      attempts: [],
      cause: { kind: 'condition', detail: "branch == 'next' is false" },
    });
    flow.succeed('b');
    expect(flow.state.state).toBe('succeeded');
  });

  it('that nobody can judge fails the node', () => {
    const flow = new Flow(withValues(spec(job('a', [], { when: '1 / (inputs.count - 3) > 0' }), job('b', ['a']))));
    expect(flow.node('a')).toMatchObject({
      state: 'failed',
      attempts: [],
      cause: {
        kind: 'expression',
        detail: expect.stringMatching(/^1 \/ \(inputs\.count - 3\) > 0: .*division by zero/),
      },
    });
    expect(flow.state).toMatchObject({ state: 'failed', cause: { kind: 'nodes', nodes: ['a'] } });
    const allowed = new Flow(spec(job('a', [], { when: 'nonsense', allowFailure: true }), job('b', ['a'])));
    expect(allowed.nodeStates()).toEqual({ a: 'failed', b: 'ready' });
  });

  it('is judged when all that it needs has ended, and only if the join lets it', () => {
    const when = "needs.build.result == 'failed' && needs.build.reason.contains('exited with 3')";
    const flow = new Flow(
      spec(
        job('build'),
        job('tell', ['build'], { when, needsOn: { build: 'always' } }),
        job('ship', ['build'], { when }),
      ),
    );
    expect(flow.nodeStates()).toMatchObject({ tell: 'waiting', ship: 'waiting' });
    flow.fail('build');
    expect(flow.nodeStates()).toMatchObject({ tell: 'ready', ship: 'skipped' });
    expect(flow.node('ship').cause).toEqual({ kind: 'nodes', nodes: ['build'] });
  });

  it('reads outputs, that of which there is none as the empty text', () => {
    const when = "needs['unit-tests'].outputs.version == '2' && needs['unit-tests'].outputs.other == ''";
    const flow = new Flow(spec(job('unit-tests'), job('a', ['unit-tests'], { when }), wait('b', ['a'])));
    finish(flow, 'unit-tests', 'succeeded', { version: '2' });
    expect(flow.nodeStates()).toMatchObject({ a: 'ready' });
  });

  it('fits waits, gates and cells, each by its own', () => {
    const cell = (os: string) => ({ when: "matrix.os == 'linux'", matrix: { group: 'm', cell: { os } } });
    const flow = new Flow(
      spec(
        job('j.linux', [], cell('linux')),
        job('j.illumos', [], cell('illumos')),
        wait('w.linux', [], cell('linux')),
        wait('w.illumos', [], cell('illumos')),
        gate('g.linux', [], cell('linux')),
        gate('g.illumos', [], cell('illumos')),
      ),
    );
    expect(flow.nodeStates()).toEqual({
      ...{ 'j.linux': 'ready', 'w.linux': 'running', 'g.linux': 'running' },
      ...{ 'j.illumos': 'skipped', 'w.illumos': 'skipped', 'g.illumos': 'skipped' },
    });
  });

  it('a cell that is skipped leaves its place to the next', () => {
    const cells = ['a', 'b', 'c', 'd'].map((id) =>
      job(`t.${id}`, ['first'], { when: "matrix.id != 'a' && matrix.id != 'c'", matrix: { group: 't', cell: { id } } }),
    );
    const flow = new Flow({
      ...spec(job('first'), ...cells),
      groups: { t: { maxParallel: 1, onFailure: 'continue' } },
    });
    flow.succeed('first');
    expect(flow.nodeStates()).toMatchObject({ 't.a': 'skipped', 't.b': 'ready', 't.c': 'skipped', 't.d': 'waiting' });
    flow.succeed('t.b');
    expect(flow.nodeStates()).toMatchObject({ 't.d': 'ready' });
  });

  it('a run of which nothing is asked for succeeds at once', () => {
    const flow = new Flow(spec(job('a', [], { when: 'false' }), job('b', ['a'], { when: 'false' })));
    expect(flow.state.state).toBe('succeeded');
    expect(flow.nodeStates()).toEqual({ a: 'skipped', b: 'skipped' });
  });
});

describe('conditionContextOf', () => {
  const cells = ['t.1', 't.2', 't.3'];
  const matrix = (): RunSpec =>
    withValues(
      {
        ...spec(
          ...cells.map((id) => job(id, [], { matrix: { group: 't', cell: { n: id.slice(2) } } })),
          job('after', cells, {
            runsOn: 'large',
            needsOn: Object.fromEntries(cells.map((id) => [id, 'always' as const])),
          }),
          job('one', ['t.1']),
        ),
        bundles: { t: cells },
      },
      {},
    );

  it('has the values, the cell and the pool', () => {
    const flow = new Flow(matrix());
    expect(conditionContextOf(flow.state, 't.2')).toEqual({
      ...flow.state.spec.values,
      matrix: { n: '2' },
      needs: {},
      runs_on: 'default',
    });
    expect(conditionContextOf(flow.state, 'one')).toMatchObject({ needs: { 't.1': { result: 'waiting' } } });
    expect(conditionContextOf(flow.state, 'one').needs).not.toHaveProperty('t');
  });

  it('has of a matrix the worst result, and the outputs on which its cells agree', () => {
    const flow = new Flow(matrix());
    finish(flow, 't.1', 'succeeded', { same: 'a', differs: '1', once: 'x' });
    finish(flow, 't.2', 'failed', { same: 'a', differs: '2' });
    finish(flow, 't.3', 'succeeded', {});
    const { needs, runs_on } = conditionContextOf(flow.state, 'after') as {
      needs: Record<string, unknown>;
      runs_on: string;
    };
    expect(needs.t).toEqual({ result: 'failed', reason: '', outputs: { same: 'a', once: 'x' } });
    expect(needs['t.3']).toEqual({ result: 'succeeded', reason: '', outputs: {} });
    expect(runs_on).toBe('large');
  });

  it('orders results: failed, timed_out, cancelled, succeeded, skipped', () => {
    const order = ['failed', 'timed_out', 'cancelled', 'succeeded', 'skipped'] as const;
    for (const [index, worse] of order.entries()) {
      for (const better of order.slice(index)) {
        const flow = new Flow(matrix());
        const ended = [better, worse, better].map((state, at) => ({
          id: cells[at] ?? '',
          state,
          attempts: [],
          openNeeds: 0,
        }));
        const run = { ...flow.state, nodes: [ended] };
        expect(conditionContextOf(run, 'after')).toMatchObject({ needs: { t: { result: worse } } });
      }
    }
  });

  it('has what was said to gates, typed, once they have succeeded', () => {
    const inputs = [
      { name: 'replicas', type: 'int' as const, default: 4 },
      { name: 'canary', type: 'bool' as const, default: false },
      { name: 'note', type: 'string' as const, default: '' },
    ];
    const when = "gates.release.replicas > 4 && gates.release.canary && gates.release.note == 'go'";
    const flow = new Flow(spec(gate('release', [], { inputs }), job('ship', ['release'], { when })));
    expect(conditionContextOf(flow.state, 'ship')).not.toHaveProperty('gates');
    flow.say('approve', 'release', 'ada', { inputs: { replicas: '5', canary: 'true', note: 'go' } });
    expect(conditionContextOf(flow.state, 'ship').gates).toEqual({
      release: { replicas: 5, canary: true, note: 'go' },
    });
    expect(flow.nodeStates()).toEqual({ release: 'succeeded', ship: 'ready' });
  });

  it('has of a gate in a matrix what was said to all of its cells', () => {
    const inputs = [
      { name: 'level', type: 'string' as const, default: 'a' },
      { name: 'count', type: 'int' as const, default: 1 },
    ];
    const cell = (n: string) => gate(`g.${n}`, [], { inputs, matrix: { group: 'g', cell: { n } } });
    const flow = new Flow({
      ...spec(cell('1'), cell('2'), job('ship', ['g.1', 'g.2'])),
      // By its own id nobody needs it: those who read it may need the branch that it stands in.
      bundles: {},
    });
    flow.say('approve', 'g.1', 'ada', { inputs: { level: 'b' } });
    expect(conditionContextOf(flow.state, 'ship').gates).toEqual({ 'g.1': { level: 'b', count: 1 } });
    flow.say('approve', 'g.2', 'ada', { inputs: {} });
    expect(conditionContextOf(flow.state, 'ship').gates).toMatchObject({ g: { count: 1 } });
  });

  it('is plain JSON, whatever things are called', () => {
    const flow = new Flow(
      withValues(spec(job('__proto__'), job('a', ['__proto__'], { when: "needs['__proto__'].result == 'succeeded'" }))),
    );
    finish(flow, '__proto__', 'succeeded', { ['__proto__']: 'x' });
    expect(flow.nodeStates().a).toBe('ready');
    const context = conditionContextOf(flow.state, 'a');
    expect(JSON.parse(JSON.stringify(context))).toEqual(context);
  });
});
