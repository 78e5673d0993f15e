import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkCondition, tableScope } from './check-condition.js';
import { Conditions } from './conditions.js';

const scope = tableScope(
  {
    branch: 'string',
    'matrix.os': 'string',
    'inputs.count': 'int',
    'inputs.dry': 'bool',
    'needs.unit-tests.result': 'string',
    'needs.test.result': 'string',
    'needs.test.outputs.version': 'string',
    'gates.release.replicas': 'int',
  },
  (root) => (root === 'secrets' ? 'Secrets are no values of expressions.' : undefined),
);

function told(text: string): string {
  const result = checkCondition(text, scope);
  if ('condition' in result) return 'right';
  return result.problems.map(({ start, end, message, hint }) => `${start}-${end}: ${message}. ${hint}`).join('\n');
}

describe('conditions', () => {
  it.each([
    "branch == 'main'",
    "needs['unit-tests'].result == 'failed' || needs.test.outputs['version'] != ''",
    'gates.release.replicas > 2 && !inputs.dry',
    "glob(branch, 'release/*') && changed('src/**')",
    "inputs.count in [1, 2] ? true : branch.contains('x')",
  ])('%s', (text) => expect(told(text)).toBe('right'));

  it.each([
    ['', '0-0: this condition says nothing. Conditions are CEL: when="branch == \'main\'".'],
    ['branch', `0-6: a condition is true or false, and this gives a text. Compare it: when="branch == '…'".`],
    [
      'inputs.count + 1',
      '0-16: a condition is true or false, and this gives a number. Conditions are CEL: when="branch == \'main\'".',
    ],
    ["brnch == 'main'", '0-5: there is no brnch here. Did you mean branch?'],
    ["needs.test.reslt == 'x'", '0-16: there is no needs.test.reslt here. Did you mean needs.test.result?'],
    [
      "needs.unit-tests.result == 'x'",
      '0-23: there is no needs.unit here. There are: branch, matrix.os, inputs.count, inputs.dry, needs.unit-tests.result, needs.test.result, needs.test.outputs.version, gates.release.replicas.',
    ],
    [
      "needs.test == 'failed'",
      '0-10: this is all of needs.test. There are: needs.test.result, needs.test.outputs.version.',
    ],
    ["secrets.TOKEN != ''", '0-13: there is no secrets.TOKEN here. Secrets are no values of expressions.'],
    ["matrix[branch] == 'a'", "0-14: which name this reads is known only later. Name it: needs['unit-tests'].result."],
    [
      'changed(branch)',
      `0-15: "changed" is asked before the run begins. It has one pattern, as it is: changed('src/**').`,
    ],
    [
      "changed('a', 'b')",
      `0-17: "changed" is asked before the run begins. It has one pattern, as it is: changed('src/**').`,
    ],
    [
      "glob(branch) == 'main'",
      `0-12: found no matching overload for 'glob(string)'. It is asked of a text, with a pattern: glob(branch, 'release/*').`,
    ],
    ["branch = 'main'", `7-8: unexpected character: =. What is the same is asked with ==, as in branch == 'main'.`],
    ['branch ==', `9-9: unexpected token: the end. Conditions are CEL: when="branch == 'main'".`],
    [
      'branch.contains(1)',
      `0-18: found no matching overload for 'string.contains(int)'. Conditions are CEL: when="branch == 'main'".`,
    ],
    [
      "${branch} == 'main'",
      '0-2: there is no "${…}" in a condition. A condition is an expression as a whole: when="branch == \'main\'".',
    ],
    [
      'inputs.count == branch',
      "0-22: no such overload: int == string. Compare like with like: a number with 3, a text with '3', a bool with nothing at all.",
    ],
    [
      "branch.matches('a')",
      '0-19: "matches" is not allowed: a pattern can take for ever. There are: contains, startsWith, endsWith, size, substring, indexOf, lowerAscii, upperAscii, trim, string, int, double, glob, changed.',
    ],
    ["a == 'x' || b == 'y'", expect.stringMatching(/^0-1: there is no a here.*\n12-13: there is no b here/)],
    ['true '.repeat(300), '0-1500: a condition has 1000 characters at most. Ask a script, and read its output.'],
  ])('%s', (text, expected) => expect(told(text)).toEqual(expected));

  it('says what it reads, compares and asks', () => {
    const result = checkCondition("changed('src/**') && needs['unit-tests'].result in ['failed', 'ok']", scope);
    expect(result).toMatchObject({
      condition: {
        references: [{ path: ['needs', 'unit-tests', 'result'] }],
        calls: [{ name: 'changed', texts: [{ text: 'src/**', start: 8, end: 16 }] }],
        comparisons: [{ text: 'failed' }, { text: 'ok', start: 62, end: 66 }],
      },
    });
    expect('condition' in result && result.condition.always).toBeUndefined();
  });

  it.each([
    ['false', false],
    ['1 < 2', true],
    ["glob('v1', 'v*')", true],
  ])('%s is always %s', (text, always) => expect(checkCondition(text, scope)).toMatchObject({ condition: { always } }));
});

it('never throws, says places inside the text, and what is right can be judged', () => {
  const pieces = [
    'branch',
    'matrix.os',
    'needs',
    '.',
    "['",
    "']",
    'test',
    'result',
    "'",
    '(',
    ')',
    '==',
    '!=',
    'in',
    '[',
    ']',
  ];
  const more = [
    '&&',
    '||',
    '!',
    '1',
    'true',
    'changed(',
    'glob(',
    ',',
    'inputs.count',
    '{',
    '}',
    '${',
    '__proto__',
    ' ',
    '?',
    ':',
  ];
  const some = fc.array(fc.oneof(fc.constantFrom(...pieces, ...more), fc.string({ maxLength: 2 })), { maxLength: 60 });
  fc.assert(
    fc.property(some, (parts) => {
      const text = parts.join('');
      const result = checkCondition(text, scope);
      if ('problems' in result) {
        expect(result.problems.length).toBeGreaterThan(0);
        for (const { start, end, message, hint } of result.problems) {
          expect(message && hint).toBeTruthy();
          expect(start >= 0 && start <= end && end <= text.length).toBe(true);
        }
      } else {
        new Conditions().judge(text, { branch: 'main' });
      }
    }),
    { numRuns: 500 },
  );
});
