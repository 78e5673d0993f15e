import { describe, expect, it } from 'vitest';
import { countReport } from './vitest-suite.mjs';

const ended = { code: 0, isWhole: true, isInterrupted: false };
const test = (status, duration = 1) => ({ status, fullName: `a ${status} test`, duration });
const file = (status, ...assertionResults) => ({ name: 'x.test.ts', status, assertionResults });
const counts = ({ passed, failed, skipped }) => ({ passed, failed, skipped });

describe('countReport', () => {
  it('counts passed, failed and skipped, also what is only planned', () => {
    const report = {
      testResults: [
        file('passed', test('passed'), test('skipped'), test('todo'), test('pending')),
        file('failed', test('failed'), test('passed', 30)),
      ],
    };
    const outcome = countReport('unit', report, { ...ended, code: 1 });
    expect(counts(outcome)).toEqual({ passed: 2, failed: 1, skipped: 3 });
    expect(outcome.slowest).toContainEqual({ title: 'x.test.ts a passed test', ms: 30 });
  });

  it.each([
    ['wrote no report', undefined, { ...ended, code: 137 }, /crashed with exit code 137/],
    ['wrote no report, and ended well', undefined, ended, /crashed/],
    ['failed outside its tests', { testResults: [file('passed', test('passed'))] }, { ...ended, code: 1 }, /outside/],
    ['has a file that could not be loaded', { testResults: [file('failed')] }, { ...ended, code: 1 }, /^x.test.ts/],
    ['has a failing beforeAll', { testResults: [file('failed', test('skipped'))] }, { ...ended, code: 1 }, /outside/],
    ['ran nothing', { testResults: [] }, ended, /no test ran/],
    ['skipped everything', { testResults: [file('skipped', test('skipped'))] }, ended, /no test ran/],
    ['was interrupted', { testResults: [file('passed', test('passed'))] }, { ...ended, isInterrupted: true }, /interr/],
  ])('counts a suite that %s as a failure', (_, report, ending, note) => {
    const outcome = countReport('unit', report, ending);
    expect(outcome.failed).toBe(1);
    expect(outcome.notes).toEqual([expect.stringMatching(note)]);
  });

  it('lets a chosen part of a suite be empty', () => {
    expect(counts(countReport('e2e', { testResults: [] }, { ...ended, isWhole: false }))).toEqual({
      passed: 0,
      failed: 0,
      skipped: 0,
    });
  });
});
