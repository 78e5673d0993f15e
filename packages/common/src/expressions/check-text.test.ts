import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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

function outcome(text: string, given: Record<string, string | number | boolean> = values): string {
  const result = checkText(text, scope);
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
