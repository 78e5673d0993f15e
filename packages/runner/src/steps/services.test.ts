import { FAIL_REASON_BYTES } from '@solstice/common/rpc';
import { describe, expect, it } from 'vitest';
import { describeFailure, type ServiceFailure, Services } from './services.js';

const failure: ServiceFailure = { name: 'db', detail: 'ended with exit code 1', output: [], ended: true };

describe('why a service failed', () => {
  it('has its last words', () => {
    const output = ['one', 'no space left'];
    expect(describeFailure({ ...failure, output }).detail).toBe('ended with exit code 1: one\nno space left');
  });

  it('is what a variable and a record can have, whatever was printed', () => {
    const { detail } = describeFailure({ ...failure, detail: `not \0 ready (${'€'.repeat(2_000)})`, output: ['a\0b'] });
    expect(detail.startsWith('not   ready (€')).toBe(true);
    expect(Buffer.byteLength(detail)).toBeLessThanOrEqual(FAIL_REASON_BYTES);
    expect(describeFailure({ ...failure, output: ['a\0b', '😀'.repeat(500), 'x'] }).detail).not.toMatch(
      /[\0\p{Surrogate}]/u,
    );
  });
});

describe('services', () => {
  const notReady = { ...failure, detail: 'was not ready within 1 min', ended: false };

  it('that were told not to be ready while steps run still fail the job by their end', () => {
    const services = new Services();
    const heard: ServiceFailure[] = [];
    services.onEnd((ended) => heard.push(ended));
    services.failed(notReady);
    services.failed(failure);
    services.failed({ ...failure, name: 'cache' });
    expect(heard).toEqual([failure]);
  });

  it('that were not ready keep that for a reason when they end afterwards', async () => {
    const services = new Services();
    services.failed(notReady);
    services.failed(failure);
    expect(await services.untilReady(new AbortController().signal)).toEqual(notReady);
  });
});
