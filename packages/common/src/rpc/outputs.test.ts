import { describe, expect, it } from 'vitest';
import { environmentNameOf, OUTPUT_LIMITS, problemOfOutput } from './outputs.js';

describe('an output', () => {
  it.each([
    ['version', '1.2.3'],
    ['app-version', ''],
    ['_x', 'a\nb'],
    ['A'.repeat(64), 'x'.repeat(OUTPUT_LIMITS.valueBytes)],
  ])('may be %s', (name, value) => {
    expect(problemOfOutput({}, name, value)).toBeUndefined();
  });

  it.each([
    ['', 'x', 'cannot be the name of an output'],
    ['__proto__', 'x', 'cannot be the name of an output'],
    ['1st', 'x', 'cannot be the name of an output'],
    ['a b', 'x', 'cannot be the name of an output'],
    ['a.b', 'x', 'cannot be the name of an output'],
    ['A'.repeat(65), 'x', 'cannot be the name of an output'],
    ['Result', 'x', 'NEEDS_…_RESULT'],
    ['big', 'ü'.repeat(OUTPUT_LIMITS.valueBytes / 2 + 1), `and an output may have ${OUTPUT_LIMITS.valueBytes}`],
    ['nul', 'a\0b', 'NUL'],
  ])('may not be %s', (name, value, problem) => {
    expect(problemOfOutput({}, name, value)).toContain(problem);
  });

  it('takes the place of an earlier one of the same name, and of no other', () => {
    expect(problemOfOutput({ 'app-version': '1' }, 'app-version', '2')).toBeUndefined();
    expect(problemOfOutput({ 'app-version': '1' }, 'APP_version', '2')).toContain('the same variable');
  });

  it('is one of so many, with so many bytes in all', () => {
    const many = Object.fromEntries(Array.from({ length: OUTPUT_LIMITS.count }, (_, index) => [`n${index}`, '']));
    expect(problemOfOutput(many, 'n0', 'x')).toBeUndefined();
    expect(problemOfOutput(many, 'another', 'x')).toBe('a job may have 64 outputs');
    const large = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, 'x'.repeat(OUTPUT_LIMITS.valueBytes)]));
    expect(problemOfOutput(large, 'd', 'x'.repeat(OUTPUT_LIMITS.valueBytes))).toBeUndefined();
    expect(problemOfOutput({ ...large, d: 'x' }, 'e', 'x'.repeat(OUTPUT_LIMITS.valueBytes))).toContain('together');
  });

  it('has a name that an environment takes', () => {
    expect(environmentNameOf('test-1[os=a.b]')).toBe('TEST_1_OS_A_B_');
  });
});
