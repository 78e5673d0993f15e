import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeInput, inputsOf, inputVariable, resolveInputs } from './inputs.js';
import { parseWorkflow } from './parse-workflow.js';
import type { Input } from './workflow.js';

const inputs: Input[] = [
  { name: 'level', type: 'string', options: ['info', 'debug'], default: 'info' },
  { name: 'replicas', type: 'int', min: 2, max: 12 },
  { name: 'dry_run', type: 'bool', default: true },
  { name: 'note', type: 'string', default: '' },
];
const problemsOf = (given: Record<string, string>) => {
  const resolved = resolveInputs(inputs, given);
  return 'problems' in resolved ? resolved.problems : [];
};

describe('resolveInputs', () => {
  it('gives values of their types, defaults for what was not said', () => {
    expect(resolveInputs(inputs, { replicas: '3', level: 'debug', dry_run: 'false' })).toEqual({
      values: { level: 'debug', replicas: 3, dry_run: false, note: '' },
    });
  });

  it('tells every problem at once', () => {
    expect(problemsOf({ level: 'loud', replicas: '1', dry_run: 'yes', lvel: 'x' })).toEqual([
      'there is no input "lvel"; did you mean "level"?',
      'input "level" is one of info, debug, and not "loud"',
      'input "replicas" is at least 2, and not 1',
      'input "dry_run" is true or false, and not "yes"',
    ]);
    expect(problemsOf({})).toEqual(['input "replicas" is missing, and has no default']);
  });

  it.each(['', ' 3', '3 ', '3.0', '1e1', '0x3', '+3', '99999999999999999', '٣', '3\n'])(
    '%j is no whole number',
    (text) => {
      expect(problemsOf({ replicas: text })).toHaveLength(1);
    },
  );

  it('takes no text that a variable cannot hold', () => {
    expect(problemsOf({ replicas: '3', note: 'a\0b' })[0]).toContain('NUL');
    expect(problemsOf({ replicas: '3', note: 'x'.repeat(4_001) })[0]).toContain('4000');
  });

  it('without a hand that says them: defaults only, and nothing is missing', () => {
    expect(resolveInputs(inputs, undefined)).toEqual({ values: { level: 'info', dry_run: true, note: '' } });
  });

  it('finds nothing in names that every object has', () => {
    expect(resolveInputs([{ name: 'toString', type: 'string' }], {})).toMatchObject({ problems: [expect.any(String)] });
    expect(resolveInputs([], JSON.parse('{"__proto__":"x"}'))).toMatchObject({ problems: [expect.any(String)] });
  });

  it('what it lets through is what the input allows, whatever was said', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...inputs.map(({ name }) => name), 'x'), fc.string()), (given) => {
        const resolved = resolveInputs(inputs, given);
        if (!('values' in resolved)) return;
        const { level, replicas, dry_run: dryRun } = resolved.values;
        expect(['info', 'debug']).toContain(level);
        expect(Number(replicas)).toBeGreaterThanOrEqual(2);
        expect(Number(replicas)).toBeLessThanOrEqual(12);
        expect(typeof dryRun).toBe('boolean');
      }),
    );
  });
});

it('are those of on "manual"', () => {
  const { workflow } = parseWorkflow(
    'workflow "w" {\n on "push"\n on "manual" { input "level"; }\n job a { step run="x"; }\n}',
    { file: 'w.kdl' },
  );
  expect(workflow && inputsOf(workflow)).toEqual([{ name: 'level', type: 'string' }]);
  expect(inputsOf({ on: [{ event: 'push', branches: [] }] })).toBeUndefined();
});

it('are variables in capitals, and described for people', () => {
  expect(inputVariable('dry_run')).toBe('INPUT_DRY_RUN');
  expect(inputs.map(describeInput)).toEqual([
    'level (info or debug; info if left out)',
    'replicas (a whole number from 2 to 12)',
    'dry_run (true or false; true if left out)',
    'note (a text; "" if left out)',
  ]);
});
