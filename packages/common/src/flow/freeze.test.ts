import { expect, it } from 'vitest';
import { parseWorkflow } from '../workflow/index.js';
import { type FreezeOptions, type Frozen, freeze, type RunValues } from './freeze.js';
import { attemptIdOf, parseAttemptId } from './index.js';
import { runSpecSchema } from './spec.js';
import { drain, Flow } from './testing/flows.js';

function frozen(body: string, values?: RunValues, options?: FreezeOptions): Frozen {
  const { workflow, diagnostics } = parseWorkflow(`workflow name="X" {\n on "push"\n ${body}\n}`, { file: 'x.kdl' });
  if (workflow === undefined) throw new Error(JSON.stringify(diagnostics));
  return freeze(workflow, values, options);
}

function told(body: string, values?: RunValues): string[] {
  return (frozen(body, values).diagnostics ?? []).map(({ line, code, message }) => `${line} ${code}: ${message}`);
}

const cells = 'matrix { axis "os" "a b" "a/b"; axis "v" 1 2; }';

it('every cell is a node whose id is safe in an attempt id, and needs mean all cells', () => {
  const { spec } = frozen(`job id="t" { ${cells}; step run="true"; }\n job id="u" { needs "t"; step run="true"; }`);
  expect(runSpecSchema.parse(spec)).toEqual(spec);
  const ids = spec?.nodes.map(({ id }) => id) ?? [];
  expect(ids).toEqual(['t.a-b.1', 't.a-b.2', 't.a-b.1-2', 't.a-b.2-2', 'u']);
  expect(spec?.nodes[4]?.needs).toEqual(ids.slice(0, 4));
  for (const id of ids) expect(parseAttemptId(attemptIdOf('r', id, 1))?.nodeId).toBe(id);
});

it('the nodes stand in the order of the file', () => {
  const { spec } = frozen('job id="a" { step run="true"; }\n wait id="w" for="1s"\n job id="b" { step run="true"; }');
  expect(spec?.nodes.map(({ id, kind }) => `${kind} ${id}`)).toEqual(['job a', 'wait w', 'job b']);
});

it('keeps the values of the event', () => {
  const values = { branch: 'main', 'inputs.count': 3 };
  expect(frozen('job id="a" { step run="true"; }', values).spec?.values).toEqual(values);
});

it('tells at its job what an expression gave that is no good', () => {
  const body =
    'job id="a" runs_on="${branch}" { step run="true"; }\n job id="b" image="rust:${tag}" { step run="true"; }';
  expect(told(body, { branch: 'feature/x', tag: 'v1' })).toEqual([
    '3 bad-value: runs_on="${branch}" gives "feature/x", which is not the name of a pool',
  ]);
  expect(told(body, { branch: 'main' })).toEqual([
    '4 bad-value: image="rust:${tag}" gives "rust:", which is not the name of an image',
  ]);
  expect(told('job id="a" { env X="${branch.substring(9)}"; step run="true"; }', { branch: 'main' })).toEqual([
    expect.stringMatching(/^3 bad-value: .*out of range/),
  ]);
});

it('a run whose group comes to nothing is in none, and a name of a group is one line', () => {
  const body = 'concurrency group="${branch}" policy="supersede"\n job id="a" { step run="true"; }';
  expect(frozen(body, { branch: 'main' }).spec?.concurrency).toEqual({ group: 'main', policy: 'supersede' });
  expect(frozen(body, { branch: '' }).spec).not.toHaveProperty('concurrency');
  expect(told(body, { branch: 'a\nb' })).toEqual([
    expect.stringMatching(/^1 bad-value: group=.* the name of a group$/),
  ]);
  expect(told(body, { branch: 'b'.repeat(301) })).toHaveLength(1);
});

it('services are made of what the run has, and a bad image of one is told', () => {
  const body = 'job id="a" { service "db" image="db:${tag}" { env V="${tag}"; }; step run="true"; }';
  const services = [{ name: 'db', image: 'db:v1', env: { V: 'v1' } }];
  expect(frozen(body, { tag: 'v1' }).spec?.nodes[0]).toMatchObject({ services });
  expect(told(body, { tag: '' })).toEqual([
    '3 bad-value: image="db:${tag}" gives "db:", which is not the name of an image',
  ]);
});

it('gates and waits are one for each cell, and their names and questions say which', () => {
  const { spec } = frozen(
    'gate id="g" { matrix { axis "r" "eu" "us"; }; prompt "To ${matrix.r},\\nnow?"; }\n wait id="w" name="In ${matrix.r}" for="1s" { matrix on_failure="cancel" { axis "r" "eu"; }; needs "g"; }',
  );
  expect(runSpecSchema.parse(spec)).toEqual(spec);
  expect(spec?.nodes).toMatchObject([
    { id: 'g.eu', name: 'g (eu)', prompt: 'To eu, now?', count: 1, approvers: [], inputs: [] },
    { id: 'g.us', prompt: 'To us, now?' },
    { id: 'w.eu', name: 'In eu', needs: ['g.eu', 'g.us'], matrix: { group: 'w', cell: { r: 'eu' } } },
  ]);
  expect(spec?.groups).toEqual({ g: { onFailure: 'continue' }, w: { onFailure: 'cancel' } });
});

it('what a value says is never an expression, and never a second line of a name', () => {
  const { spec } = frozen('job id="a" name="${branch}" { env B="${branch}"; step run="true"; }', {
    branch: '${sha}\n',
  });
  expect(spec?.nodes[0]).toMatchObject({ name: '${sha} ', env: { B: '${sha}\n' } });
});

it('what no database has and no program takes is told, and is no text: half of a character, a NUL', () => {
  const body = (text: string) =>
    `job id="b" { step run="true"; }; job id="a" { needs "b"; env A="${text}"; step run="true"; }`;
  const why = 'it has a character in it that no variable and no name can have';
  const half = '${branch.substring(0, 1)}';
  expect(told(body(half), { branch: '🦄' })).toEqual([`3 bad-value: ${half}: ${why}`]);
  expect(told(body(half), { branch: 'x🦄' })).toEqual([]);
  const nul = "${'\\\\x00'}";
  expect(told(body(nul))).toEqual([expect.stringContaining(why)]);
  const late = `${half} ${'${needs.b.result}'}`;
  expect(told(body(late), { branch: '🦄' })).toEqual([`3 bad-value: ${late}: ${why}`]);
  const { spec } = frozen(`job id="a" name="${'${branch}'}" { step run="true"; }`, { branch: `x${'🦄'.repeat(100)}` });
  expect(spec?.nodes[0]?.name).toBe(`x${'🦄'.repeat(59)}…`);
});

it('a step without a name keeps the dollars of its script', () => {
  const { spec } = frozen('job id="a" { step run="echo ${HOME}"; }');
  expect(spec?.nodes[0]).toMatchObject({ steps: [{ name: 'echo ${HOME}', action: { script: 'echo ${HOME}' } }] });
});

it('a small file makes no large run', () => {
  const many = Array.from({ length: 60 }, (_, i) => `V${i}="${'${branch}'.repeat(60)}"`).join(' ');
  const body = `job id="a" { matrix { axis "n" ${Array.from({ length: 64 }, (_, i) => i).join(' ')}; }; env ${many}; step run="true"; }`;
  expect(told(body, { branch: 'b'.repeat(250) })).toEqual(['3 bad-value: expressions give too much text']);
});

const branches = `branch id="b" when="branch == 'main'" {
   needs "t"
   then {
     job id="t2" { ${cells}; needs "w"; step run="true"; }
     branch id="c" when="true" { then { job id="u" { step run="true"; }; }; }
   }
   else { wait id="w2" for="1s"; }
 }
 job id="t" { ${cells}; step run="true"; }
 wait id="w" for="1s"
 job id="after" { needs "u" "b" "t" on="always"; step run="true"; }`;

it('a branch is a node before all that stands in it, and is needed as all of it', () => {
  const { spec } = frozen(branches);
  expect(runSpecSchema.parse(spec)).toEqual(spec);
  const inTwo = ['t2.a-b.1', 't2.a-b.2', 't2.a-b.1-2', 't2.a-b.2-2'];
  const inOne = inTwo.map((id) => id.replace('t2', 't'));
  expect(spec?.nodes.map(({ id }) => id)).toEqual(['b', ...inTwo, 'c', 'u', 'w2', ...inOne, 'w', 'after']);
  const node = (id: string) => spec?.nodes.find((one) => one.id === id);
  expect(node('b')?.needs).toEqual(inOne);
  expect(node('t2.a-b.1')).toMatchObject({ needs: ['b', 'w'], branch: { id: 'b', side: 'then' } });
  expect(node('c')).toMatchObject({ needs: ['b'], branch: { id: 'b', side: 'then' } });
  expect(node('u')).toMatchObject({ needs: ['c'], branch: { id: 'c', side: 'then' } });
  expect(node('w2')).toMatchObject({ needs: ['b'], branch: { id: 'b', side: 'else' } });
  // Each once, though "u" stands in "b".
  expect(node('after')?.needs).toEqual(['u', 'b', ...inTwo, 'c', 'w2', ...inOne]);
  expect(new Set(Object.values(node('after')?.needsOn ?? {}))).toEqual(new Set(['always']));
  expect(spec?.bundles).toEqual({ b: ['b', ...inTwo, 'c', 'u', 'w2'], t: inOne });
});

it('says of a matrix that nobody needs nothing more than its cells', () => {
  expect(frozen(`job id="t" { ${cells}; step run="true"; }`).spec?.bundles).toBeUndefined();
});

it('conditions have a value for every name, of its type', () => {
  const condition = 'job id="a" when="pull_request.number == 0" { step run="true"; }';
  expect(frozen(condition, { branch: 'main' }).spec?.values).toEqual({
    branch: 'main',
    tag: '',
    sha: '',
    short_sha: '',
    event: '',
    actor: '',
    'pull_request.number': 0,
    'pull_request.base': '',
  });
});

it('keeps what changed, by every pattern that is asked for; what nobody could tell counts as changed', () => {
  const body = `job id="a" when="changed('src/**')" {
    step run="true" when="!changed('docs/**')"
    finally { step run="true" when="changed('ci/**') || changed('src/**')"; }
  }`;
  expect(frozen(body, {}, { changed: { 'src/**': false, 'docs/**': true, 'other/**': true } }).spec?.changed).toEqual({
    'src/**': false,
    'docs/**': true,
    'ci/**': true,
  });
});

it('what looks on, and the deadlines, are in the run', () => {
  const { spec } = frozen(`deadline "2h"
    job id="a" { step run="true" deadline="5m"; }
    on_failure { job id="tell" { step run="true"; }; }`);
  expect(spec).toMatchObject({
    deadlineMs: 7_200_000,
    nodes: [{ steps: [{ deadlineMs: 300_000 }] }, { id: 'tell', onFailure: true, needs: [] }],
  });
});

it.each([
  ['main', 'else', { t2: 'skipped' }],
  ['next', 'then', { t2: 'succeeded' }],
])('the engine judges what the file says: %s goes to %s', (branch, taken, states) => {
  const { spec } = frozen(
    `branch id="b" when="branch != 'main' && !changed('docs/**')" {
       needs "unit-tests"
       then { job id="t2" when="needs['other'].outputs.nobody_says == ''" { needs "other"; step run="true"; }; }
     }
     job id="unit-tests" when="pull_request.number == 0" { matrix { axis "os" "a" "b"; }; step run="true"; }
     job id="other" when="needs['unit-tests'].result in ['succeeded'] && runs_on == 'default'" {
       needs "unit-tests"
       step run="true"
     }
     job id="last" when="needs.b.outputs.taken == '${taken}' && gates.go.count > 2" { needs "b" "go"; step run="true"; }
     gate id="go" { input "count" type="int" default=3; }
     on_failure { job id="tell" { step run="true"; }; }`,
    { branch },
    { changed: { 'docs/**': false } },
  );
  const flow = new Flow(spec);
  drain(flow);
  expect(flow.nodeStates()).toEqual({
    b: 'succeeded',
    'unit-tests.a': 'succeeded',
    'unit-tests.b': 'succeeded',
    other: 'succeeded',
    go: 'succeeded',
    last: 'succeeded',
    tell: 'skipped',
    ...states,
  });
  expect(flow.state.state).toBe('succeeded');
});
