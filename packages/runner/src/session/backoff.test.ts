import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstDelayMs, longestDelayMs, reconnectDelayMs } from './backoff.js';

describe('the delay before the next try', () => {
  it('grows from a tenth of a second to five', () => {
    expect([0, 1, 2, 3, 10, 10_000].map((attempt) => reconnectDelayMs(attempt, 1))).toEqual([
      100, 200, 400, 800, 5000, 5000,
    ]);
  });

  it('is always between half and all of its ceiling', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const delayMs = reconnectDelayMs(attempt, random);
        expect(delayMs).toBeGreaterThanOrEqual(firstDelayMs / 2);
        expect(delayMs).toBeLessThanOrEqual(longestDelayMs);
      }),
    );
  });
});
