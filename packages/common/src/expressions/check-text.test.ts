import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tableScope } from './check-condition.js';
import { checkText } from './check-text.js';
import { Scope } from './scope.js';

const scope = new Scope({
  branch: 'string',
  runs_on: 'string',
  'matrix.os': 'string',
  'matrix.rust': 'string',
  'inputs.count': 'int',
  'inputs.dry': 'bool',
});
const values = {
  branch: 'main',
  'matrix.os': 'linux',
  'matrix.rust': '1.79',
  'inputs.count': 3,
  'inputs.dry': true,
};

function outcome(
  text: string,
  given: Record<string, string | number | boolean> = values,
  late?: Parameters<typeof checkText>[2],
): string {
  const result = checkText(text, scope, late);
  if ('problems' in result) {
    return result.problems.map(({ start, end, message }) => `${start}-${end}: ${message}`).join('; ');
  }
  const evaluated = result.checked.evaluate(given);
  if ('pieces' in evaluated) return `late ${JSON.stringify(evaluated.pieces)}`;
  return 'text' in evaluated ? `= ${evaluated.text}` : `! ${evaluated.problem}`;
}

describe('texts with expressions', () => {
  it.each([
    ['no expression', '= no expression'],
    ['rust:${matrix.rust}', '= rust:1.79'],
    ['${matrix.os}-${branch}', '= linux-main'],
    ["${branch == 'main' ? 'release' : 'test'}", '= release'],
    ['${inputs.count + 1} ${inputs.dry}', '= 4 true'],
    ['${"}"}', '= }'],
    ["${{'a': 'b'}['a']}", '= b'],
    ['$${HOME} and $5', '= ${HOME} and $5'],
    ["${matrix['os'].upperAscii()}", '= LINUX'],
    ['${branch.substring(0, 2)}', '= ma'],
    ['${size(branch)}', '= 4'],
    ["${glob(branch, 'ma*') ? 'main' : 'other'}", '= main'],
  ])('%s', (text, expected) => expect(outcome(text)).toBe(expected));

  it('a name without a value is that of nothing', () => {
    expect(outcome('[${branch}${matrix.os}] ${inputs.count} ${inputs.dry}', {})).toBe('= [] 0 false');
  });

  it.each([
    ['x ${brnch}', '4-9: there is no brnch here'],
    ['${matrix.oss}', '9-12: there is no matrix.oss here'],
    ['${branch + 1}', '2-12: no such overload: string + int'],
    ['${branch +}', '10-10: unexpected token: the end'],
    ['${branch', '0-8: this "${" has no "}"'],
    ['${}', '2-2: "${}" says nothing'],
    ['${matrix}', '2-8: this gives all of matrix, and a text is meant'],
    ['${[branch]}', '2-10: this gives list<string>, and a text is meant'],
    ["${branch.matches('a')}", '2-21: "matches" is not allowed: a pattern can take for ever'],
    ['${[1].exists(x, x > 0)}', '2-22: "exists" is a loop, and expressions have none'],
    ['${cel.bind(x, branch, x + x)}', '2-28: "bind" is a loop, and expressions have none'],
    ["${branch.replace('', branch)}", '2-28: there is no function replace here'],
    ['${matrix[branch]}', '2-16: this gives dyn, and a text is meant'],
    ["${changed('src/**') ? 'a' : 'b'}", '2-19: there is no function changed here'],
    ['${a} ${b}', '2-3: there is no a here; 7-8: there is no b here'],
  ])('%s', (text, expected) => expect(outcome(text)).toBe(expected));

  it.each([
    ['${branch.substring(90)}', /out of range/],
    ['${1 / (inputs.count - 3)}', /division by zero/],
  ])('what only values show: %s', (text, expected) => expect(outcome(text)).toMatch(expected));

  it.each([
    ['v${needs.a.outputs.v}-${branch}', 'late [{"text":"v"},{"expression":"needs.a.outputs.v"},{"text":"-main"}]'],
    ['${branch}${gates.g.x}', 'late [{"text":"main"},{"expression":"gates.g.x"}]'],
    [
      "$${needs.a.result} ${size(needs['a'].result)}",
      'late [{"text":"${needs.a.result} "},{"expression":"size(needs[\'a\'].result)"}]',
    ],
    ["${'needs.a.result'}", '= needs.a.result'],
    ['${needs.a.result + ""} ${brnch}', '25-30: there is no brnch here'],
    ['${needs.a.result.matches("x")}', '2-29: "matches" is not allowed: a pattern can take for ever'],
    ['${branch.substring(9)} ${needs.a.result}', '! '],
    [`\${needs.a.result}${'x'.repeat(32_769)}`, '! the text is longer than 32768 characters'],
  ])('what nodes give is known later, and all else now: %s', (text, expected) => {
    expect(outcome(text, values, 'unchecked').slice(0, expected.length)).toBe(expected);
  });

  it.each([
    ['x ${needs.a.result}', 'late [{"text":"x "},{"expression":"needs.a.result"}]'],
    ['x ${branch + needs.b.result}', '13-27: there is no needs.b.result here'],
    ['x ${needs.a.result + gates.g.n}', '4-30: no such overload: string + int'],
    ['x ${[needs.a.result]}', '4-20: this gives list<string>, and a text is meant'],
    ['x ${needs[branch]}', '4-17: which name this reads is known only later'],
  ])('where the place of a text has names for it, they are checked: %s', (text, expected) => {
    const late = tableScope({ branch: 'string', 'needs.a.result': 'string', 'gates.g.n': 'int' });
    expect(outcome(text, values, late)).toBe(expected);
  });

  it('says what is read later, with its place in the text', () => {
    const result = checkText(
      "as ${needs.a.result == 'failed' ? 'x' : 'y'}",
      scope,
      tableScope({ 'needs.a.result': 'string' }),
    );
    expect('checked' in result && result.checked.late).toMatchObject([
      { references: [{ start: 5, end: 19 }], comparisons: [{ text: 'failed', start: 23, end: 31 }] },
    ]);
  });

  it('no text grows without end', () => {
    expect(outcome('${branch}'.repeat(40), { branch: 'b'.repeat(1_000) })).toMatch(/^! the text is longer than 32768/);
  });

  it('suggests the nearest name', () => {
    const result = checkText('${matrix.oss} ${brnch}', scope);
    expect('problems' in result && result.problems.map(({ hint }) => hint)).toEqual([
      'Did you mean matrix.os?',
      'Did you mean branch?',
    ]);
  });
});

it('never throws, never takes long, and says places inside the text', () => {
  const pieces = [
    '${',
    '}',
    "'",
    '"',
    '\\',
    '(',
    ')',
    '[',
    ']',
    'branch',
    'matrix.os',
    '.',
    '+',
    '?',
    ':',
    '&&',
    '!',
    '1',
  ];
  const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 300 });
  fc.assert(
    fc.property(text, (some) => {
      const written = `\${${some.join('')}}`;
      const result = checkText(written, scope);
      if ('problems' in result) {
        expect(result.problems.length).toBeGreaterThan(0);
        for (const { start, end, message, hint } of result.problems) {
          expect(message && hint).toBeTruthy();
          expect(start >= 0 && start <= end && end <= written.length).toBe(true);
        }
      } else {
        result.checked.evaluate(values);
      }
    }),
  );
});
