import { describe, expect, it } from 'vitest';
import { type ConditionContext, Conditions } from './conditions.js';

const context: ConditionContext = {
  branch: 'main',
  tag: 'v1.2',
  'inputs.count': 3,
  'inputs.dry': false,
  'pull_request.number': 0,
  matrix: { os: 'linux' },
  needs: {
    test: { result: 'failed', reason: 'exit 1', outputs: { version: '1.0' } },
    'unit-tests': { result: 'succeeded', reason: '' },
    __proto__x: { result: 'skipped', reason: '', outputs: {} },
  },
  gates: { release: { replicas: 4 } },
};

function judged(text: string, given: ConditionContext = context): string {
  const verdict = new Conditions({ 'src/**': true, 'docs/**': false }).judge(text, given);
  return 'holds' in verdict ? String(verdict.holds) : `! ${verdict.problem}`;
}

describe('what a condition comes to', () => {
  it.each([
    ["branch == 'main'", 'true'],
    ["branch != 'main' || tag == ''", 'false'],
    ['inputs.count > 2 && !inputs.dry', 'true'],
    ['inputs.count > 2.5', 'true'],
    ['pull_request.number == 0', 'true'],
    ["matrix.os in ['linux', 'illumos']", 'true'],
    ["needs.test.result == 'failed'", 'true'],
    ["needs['unit-tests'].result == 'succeeded'", 'true'],
    ["needs.test.outputs.version == '1.0'", 'true'],
    ["needs.test.outputs.nobody_said == ''", 'true'],
    ["needs['unit-tests'].outputs.version == ''", 'true'],
    ["needs.__proto__x.outputs.constructor == ''", 'true'],
    ['gates.release.replicas >= 4', 'true'],
    ["changed('src/**')", 'true'],
    ["changed('docs/**')", 'false'],
    ["glob(tag, 'v*')", 'true'],
    ["glob(branch, 'release/*')", 'false'],
    ["glob('release/1/x', 'release/**')", 'true'],
    ["branch.startsWith('ma')", 'true'],
    ['true', 'true'],
  ])('%s', (text, expected) => expect(judged(text)).toBe(expected));

  it('an error reads as nothing where it says nothing', () => {
    expect(judged("error.kind == 'timeout' && error.exit == 0", { error: { kind: 'timeout' } })).toBe('true');
    expect(judged("error.kind == ''", {})).toBe('true');
  });
});

describe('what cannot be judged says why', () => {
  it.each([
    ['1 / (inputs.count - 3) > 0', '! division by zero'],
    ['branch', '! a condition is true or false, and this gives something else'],
    ["needs.build.result == 'failed'", '! there is no needs.build.result here'],
    ["needs.build.outputs.version == ''", '! there is no needs.build.outputs.version here'],
    ['gates.ship.replicas > 1', '! there is no gates.ship.replicas here'],
    ["brnch == 'main'", '! there is no brnch here'],
    ["changed('lib/**')", '! nobody has looked whether something like "lib/**" changed'],
    ['branch ==', '! Unexpected token: EOF'],
    ["branch.matches('(a+)+b')", '! "matches" is not allowed: a pattern can take for ever'],
    ['[1].exists(x, x > 0)', '! "exists" is a loop, and expressions have none'],
    [`branch == '${'x'.repeat(1_000)}'`, '! it is longer than 1000 characters'],
  ])('%s', (text, expected) => expect(judged(text)).toBe(expected));

  it('glob is held to texts that take no time', () => {
    const long = { needs: { a: { outputs: { text: '*a'.repeat(40_000) } } } };
    expect(judged("glob(needs.a.outputs.text, '*')", long)).toMatch(/^! glob takes texts of 4096/);
    expect(judged("glob('a', needs.a.outputs.text)", long)).toMatch(/^! a pattern has 250/);
  });

  it('what is not needed for the answer is no problem', () => {
    expect(judged("branch == 'main' || gates.ship.replicas > 1")).toBe('true');
  });
});

it('one text is judged again with other values', () => {
  const conditions = new Conditions();
  expect(conditions.judge("branch == 'main'", { branch: 'main' })).toEqual({ holds: true });
  expect(conditions.judge("branch == 'main'", { branch: 'x' })).toEqual({ holds: false });
});

it('what it is given stays as it is', () => {
  const given = { needs: { a: { result: 'failed', outputs: {} } } };
  new Conditions().judge("needs.a.outputs.x == ''", given);
  expect(given).toEqual({ needs: { a: { result: 'failed', outputs: {} } } });
});
