import { describe, expect, it } from 'vitest';
import { stepEnvironment } from './step-environment.js';

describe('a step’s environment', () => {
  it('is the base, the job’s over it, and the step’s own over both', () => {
    const made = stepEnvironment({ A: 'base', B: 'base', C: 'base' }, { B: 'job', C: 'job' }, { C: 'step' });
    expect(made).toEqual({ A: 'base', B: 'job', C: 'step' });
  });
});
