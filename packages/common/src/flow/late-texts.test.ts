import { describe, expect, it } from 'vitest';
import { parseWorkflow } from '../workflow/index.js';
import { describeCause } from './describe-cause.js';
import { evolve, replay } from './evolve.js';
import { freeze, type RunValues } from './freeze.js';
import { planRerun } from './rerun.js';
import { imageOf, promptOf, resolvedJobOf } from './resolved.js';
import { type LateText, type RunSpec, runSpecSchema } from './spec.js';
import { Flow, gate, job, spec } from './testing/flows.js';

/** A file as it is planned, checked by the schema of stored runs. */
function planned(body: string, values: RunValues = {}): RunSpec {
  const { workflow, diagnostics } = parseWorkflow(`workflow "x" {\n on "push"\n${body}\n}`, { file: 'x.kdl' });
  if (workflow === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  const { spec: frozen, diagnostics: told } = freeze(workflow, values);
  if (frozen === undefined) throw new Error(told.map(({ message }) => message).join('; '));
  return runSpecSchema.parse(JSON.parse(JSON.stringify(frozen)));
}

const finish = (flow: Flow, nodeId: string, outputs: Record<string, string> = {}) =>
  flow.do({ kind: 'finish', attemptId: flow.start(nodeId), result: { state: 'succeeded', outputs } });

const env = (name: string, expression: string): LateText => ({ at: { kind: 'env', name }, pieces: [{ expression }] });

/** `a`, and `b` that reads it. */
const two = (...late: LateText[]): RunSpec => spec(job('a'), job('b', ['a'], { late }));

describe('texts that read what nodes gave', () => {
  const body = `
    env VERSION="none"
    job "build" { step run="make"; }
    job "test" {
        needs "build"
        matrix { axis "os" "linux" "illumos"; }
        image "ghcr.io/acme/\${matrix.os}:\${needs.build.outputs.version}"
        env VERSION="v\${needs.build.outputs.version}" REF="\${branch}"
        service "db" image="db:\${needs.build.outputs.version}" { env TAG="\${needs.build.outputs.version}"; }
        setup path="ci/setup.sh"
        step run="make test" { env OS="\${matrix.os} \${needs.build.result}"; }
        catch { step run="./cores.sh" { env WHICH="\${needs.build.outputs.version}!"; }; }
        finally { step run="./stop.sh" { env WHICH="\${runs_on} \${needs.build.outputs.nothing}"; }; }
    }
    gate "release" {
        needs "build"
        input "replicas" type="int" default=4
        prompt "Ship \${needs.build.outputs.version} of \${branch}?"
    }
    job "deploy" { needs "release"; step run="./deploy.sh" { env REPLICAS="\${gates.release.replicas + 1}"; }; }`;

  it('are in their places when their node is ready, and not before', () => {
    const flow = new Flow(planned(body, { branch: 'main' }));
    const image = () => imageOf(flow.state.spec.nodes[1], flow.node('test.linux'));
    const release = flow.state.spec.nodes.find(({ id }) => id === 'release');
    const prompt = () => release?.kind === 'gate' && promptOf(release, flow.node('release'));
    expect([image(), prompt()]).toEqual([undefined, undefined]);
    expect(() => resolvedJobOf(flow.state, 'test.linux')).toThrow(/its texts are not known yet/);
    finish(flow, 'build', { version: '1.2' });
    expect([image(), prompt()]).toEqual(['ghcr.io/acme/linux:1.2', 'Ship 1.2 of main?']);
    const resolved = resolvedJobOf(flow.state, 'test.illumos');
    expect(resolved).toMatchObject({
      image: 'ghcr.io/acme/illumos:1.2',
      env: { VERSION: 'v1.2', REF: 'main' },
      services: [{ name: 'db', image: 'db:1.2', env: { TAG: '1.2' } }],
      steps: [{ env: {} }, { env: { OS: 'illumos succeeded' } }],
      catch: [{ env: { WHICH: '1.2!' } }],
      finally: [{ env: { WHICH: 'default ' } }],
    });
    expect(resolved).not.toHaveProperty('late');
    expect(resolvedJobOf(flow.state, 'build')?.env).toEqual({ VERSION: 'none' });
    flow.say('approve', 'release', 'ada', { inputs: { replicas: '6' } });
    expect(resolvedJobOf(flow.state, 'deploy')?.steps[0]?.env).toEqual({ REPLICAS: '7' });
    expect(replay(JSON.parse(JSON.stringify(flow.log)))).toEqual(flow.state);
  });

  it('that only look like it stay what they are: a value is never read as an expression', () => {
    const attack = '${needs.build.outputs.version} ${branch}';
    const flow = new Flow(
      planned(
        `job "build" { step run="make"; }
         job "test" {
             needs "build"
             env A="\${actor}" B="\${actor}/\${needs.build.outputs.version}" C="$\${needs.build.outputs.version}"
             step run="true"
         }
         gate "ship" { needs "build"; prompt "\${actor}: \${needs.build.outputs.version}?"; }`,
        { actor: attack, branch: 'main' },
      ),
    );
    finish(flow, 'build', { version: attack });
    expect(resolvedJobOf(flow.state, 'test')?.env).toEqual({
      A: attack,
      B: `${attack}/${attack}`,
      C: '${needs.build.outputs.version}',
    });
    const ship = flow.state.spec.nodes.find(({ id }) => id === 'ship');
    expect(ship?.kind === 'gate' && promptOf(ship, flow.node('ship'))).toBe(`${attack}: ${attack}?`);
  });

  it('are the same for every attempt, and for a run that does it again', () => {
    const flow = new Flow(two(env('V', 'needs.a.outputs.v')));
    finish(flow, 'a', { v: '1' });
    for (let attempt = 1; attempt < 3; attempt += 1) {
      expect(resolvedJobOf(flow.state, 'b')?.env).toEqual({ V: '1' });
      flow.start('b');
      flow.do({ kind: 'lose', attemptId: flow.last('b').id, detail: 'gone' });
    }
    expect(flow.log.filter((event) => event.kind === 'node.readied' && event.nodeId === 'b')).toMatchObject([
      { texts: ['1'] },
      {},
      {},
    ]);
    flow.fail('b');
    const again = planRerun(flow.state, { kind: 'failed' });
    if (!('reused' in again)) throw new Error(again.reason);
    const rerun = new Flow();
    rerun.do({ kind: 'plan', runId: 'r2', spec: flow.state.spec, reused: again.reused });
    expect(resolvedJobOf(rerun.state, 'b')?.env).toEqual({ V: '1' });
  });

  it('of a cell that waits for its place are resolved when it has it', () => {
    const cells = ['b.1', 'b.2'].map((id) =>
      job(id, ['a'], { matrix: { group: 'b', cell: {} }, late: [env('V', 'needs.a.outputs.v')] }),
    );
    const groups = { b: { maxParallel: 1, onFailure: 'continue' as const } };
    const flow = new Flow({ ...spec(job('a'), ...cells), groups });
    finish(flow, 'a', { v: '1' });
    expect([flow.node('b.1').texts, flow.node('b.2').texts]).toEqual([['1'], undefined]);
    flow.succeed('b.1');
    expect(flow.node('b.2').texts).toEqual(['1']);
  });
});

describe('a text that comes to nothing good fails its node, and says which', () => {
  it.each<[LateText, string]>([
    [
      env('V', 'needs.a.outputs.v.substring(9)'),
      'an expression could not be judged: env V: needs.a.outputs.v.substring(9): ',
    ],
    [env('V', 'gates.g.x'), 'an expression could not be judged: env V: gates.g.x: there is no gates'],
    [env('V', "needs.a.outputs.v + '\\x00'"), 'env V "${needs.a.outputs.v + \'\\x00\'}": it has a character'],
    [
      { at: { kind: 'image' }, pieces: [{ text: 'app:' }, { expression: 'needs.a.outputs.v' }] },
      'image "app:${needs.a.outputs.v}": it gives "app:no image", which is not the name of an image',
    ],
    [
      { at: { kind: 'step-env', step: 0, name: 'V' }, pieces: Array(9).fill({ expression: 'needs.a.outputs.long' }) },
      'env V of step “Test” "${needs.a.outputs.long}',
    ],
  ])('%j', (late, said) => {
    const flow = new Flow(two(late));
    finish(flow, 'a', { v: 'no image', long: 'x'.repeat(4_000) });
    const { state, cause, attempts } = flow.node('b');
    expect({ state, attempts }).toEqual({ state: 'failed', attempts: [] });
    expect(cause && describeCause(cause)).toContain(said);
    expect(flow.state.state).toBe('failed');
  });

  it('also when all of a run together are too long, however many nodes there are', () => {
    const long = 'x'.repeat(32_000);
    const nodes = Array.from({ length: 140 }, (_, index) =>
      job(`n${index}`, ['a'], { late: [env('V', 'needs.a.outputs.v')] }),
    );
    const flow = new Flow(spec(job('a'), ...nodes));
    finish(flow, 'a', { v: long });
    const failed = Object.values(flow.nodeStates()).filter((state) => state === 'failed');
    expect(failed).toHaveLength(140 - Math.floor((4 * 1024 * 1024) / long.length));
    expect(flow.state.lateLength).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(describeCause(flow.node('n139').cause ?? { kind: 'out-of-memory' })).toMatch(/more than 4194304 characters/);
  });
});

it('a prompt is one line, and not endless', () => {
  const late: LateText[] = [{ at: { kind: 'prompt' }, pieces: [{ expression: 'needs.a.outputs.notes' }] }];
  const flow = new Flow(spec(job('a'), gate('g', ['a'], { late })));
  finish(flow, 'a', { notes: `first\nsecond ${'x'.repeat(2_000)}` });
  expect(flow.node('g').texts?.[0]).toMatch(/^first second x+…$/);
  expect(flow.node('g').texts?.[0]).toHaveLength(1_000);
});

describe('a specification that does not fit its late texts', () => {
  const text = (at: LateText['at']): LateText => ({ at, pieces: [{ expression: 'needs.a.result' }] });
  it.each<[LateText[], string]>([
    [[text({ kind: 'image' }), text({ kind: 'image' })], 'b: image is there twice'],
    [[text({ kind: 'prompt' })], 'b: prompt is for gates'],
    [[text({ kind: 'step-env', step: 3, name: 'V' })], 'b: env V of step “3” has no place'],
    [[text({ kind: 'service-image', service: 'db' })], 'b: image of service db has no place'],
  ])('%j is refused', (late, reason) => {
    expect(new Flow().try({ kind: 'plan', runId: 'r1', spec: two(...late) })).toMatchObject({ refused: true, reason });
  });

  it('and a service without any image is, too', () => {
    const runSpec = spec(job('a', [], { services: [{ name: 'db', env: {} }] }));
    const refused = new Flow().try({ kind: 'plan', runId: 'r1', spec: runSpec });
    expect(refused).toMatchObject({ refused: true, reason: 'a: service db has no image' });
  });

  it('is told by its events: texts come once, and as many as there are', () => {
    const flow = new Flow(two(env('V', 'needs.a.result')));
    const readied = { seq: flow.state.seq + 1, at: 0, kind: 'node.readied' as const, nodeId: 'b' };
    expect(() => evolve(flow.state, { ...readied, texts: [] })).toThrow(/0 texts of node b/);
    expect(() => evolve(flow.state, { ...readied, texts: ['1', '2'] })).toThrow(/2 texts of node b/);
    expect(evolve(flow.state, { ...readied, texts: ['1'] }).lateLength).toBe(1);
  });
});
