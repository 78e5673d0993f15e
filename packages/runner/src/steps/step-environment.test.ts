import { describe, expect, it } from 'vitest';
import { stepEnvironment } from './step-environment.js';

describe('a step’s environment', () => {
  it('is the base, the job’s over it, and the step’s own over both', () => {
    const made = stepEnvironment({ A: 'base', B: 'base', C: 'base' }, { B: 'job', C: 'job' }, { C: 'step' });
    expect(made).toEqual({ A: 'base', B: 'job', C: 'step' });
  });

  it('has the programs of the runner on its path, whatever the step makes of that', () => {
    expect(stepEnvironment({ PATH: '/bin' }, {}, { PATH: '/opt/bin' }, '/spool/bin').PATH).toBe('/spool/bin:/opt/bin');
    expect(stepEnvironment({}, { PATH: '' }, {}, '/spool/bin').PATH).toMatch(/^\/spool\/bin:\/usr\/local\/sbin:/);
  });
});
