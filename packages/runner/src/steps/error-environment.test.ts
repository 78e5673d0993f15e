import { readFileSync } from 'node:fs';
import { Cause, Result } from '@solstice/common/rpc';
import { describe, expect, it } from 'vitest';
import { describeOutcome, errorEnvironment } from './error-environment.js';
import { exited, signalled, stopped, succeeded } from './outcomes.js';

const table = readFileSync(new URL('../../../../docs/environment.md', import.meta.url), 'utf8');

describe('what went wrong, in an environment', () => {
  it('has the names that are documented', () => {
    const documented = [...table.matchAll(/^\| `(CI_ERROR_[A-Z]+)` \|.*\| runner \|$/gm)].map((match) => match[1]);
    expect(Object.keys(errorEnvironment(exited(0, 3), []))).toEqual(documented);
  });

  it('has no kind that is not documented, and a sentence for each', () => {
    for (const cause of Object.values(Cause)) {
      if (cause === Cause.CAUSE_UNSPECIFIED || cause === Cause.CAUSE_SOURCE || cause < 0) continue;
      const outcome = { ...signalled(0, 'SIGKILL'), cause, detail: 'because' };
      const { CI_ERROR_KIND: kind, CI_ERROR_REASON: reason } = errorEnvironment(outcome, []);
      expect(table).toContain(`\`${kind}\``);
      expect(kind).not.toBe('other');
      expect(reason).not.toBe('');
    }
  });

  it('is empty when nothing did', () => {
    expect(errorEnvironment(succeeded, [])).toEqual({});
  });

  it('tells a cancel with and without a reason', () => {
    expect(describeOutcome(stopped(0, { kind: 'cancelled', reason: '' }), 'x')).toBe('the job was cancelled');
    expect(describeOutcome(stopped(0, { kind: 'cancelled', reason: 'typo' }), 'x')).toContain(': typo');
    expect(stopped(0, { kind: 'deadline', limitMs: 1 }).result).toBe(Result.RESULT_TIMED_OUT);
  });
});
