import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunnerRecord } from '../port/index.js';
import { freshRecords } from './log-records.js';
import { settledSteps } from './steps.js';

const now = new Date(Date.UTC(2026, 0, 1));

describe('freshRecords', () => {
  const records = (from: number, count: number): RunnerRecord[] =>
    Array.from({ length: count }, (_, index) => ({ seq: from + index, at: now, kind: 'step-started', step: 0 }));

  it('takes every record once, however the sending is cut and repeated', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 10 })), { maxLength: 50 }), (sendings) => {
        let durable = 0;
        for (const [from, count] of sendings) {
          const batch = records(from + 1, count);
          if (from > durable) {
            expect(() => freshRecords(durable, batch)).toThrow(expect.objectContaining({ code: 'record-gap' }));
            continue;
          }
          const fresh = freshRecords(durable, batch);
          expect(fresh.map((record) => record.seq)).toEqual(
            Array.from({ length: Math.max(0, from + count - durable) }, (_, index) => durable + 1 + index),
          );
          durable = Math.max(durable, from + count);
        }
      }),
    );
  });
});

describe('settledSteps', () => {
  const step = {
    index: 0,
    name: 's',
    exitCode: undefined,
    signal: undefined,
    startedAt: undefined,
    endedAt: undefined,
  };

  it.each([
    ['failed', 'failed'],
    ['timed_out', 'timed_out'],
    ['cancelled', 'cancelled'],
    ['lost', 'cancelled'],
    ['succeeded', 'cancelled'],
  ] as const)('ends what was interrupted when its attempt was %s', (state, expected) => {
    const steps = [
      { ...step, state: 'running' as const },
      { ...step, state: 'waiting' as const },
      { ...step, state: 'succeeded' as const },
    ];
    expect(settledSteps(steps, { state, endedAt: now }).map((one) => [one.state, one.endedAt])).toEqual([
      [expected, now],
      ['skipped', undefined],
      ['succeeded', undefined],
    ]);
    expect(settledSteps(steps, { state: 'running', endedAt: undefined })).toEqual(steps);
  });
});
