import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PoolOffer, RunnerRecord } from '../records.js';
import { fitOf, type HostView, hostsSay, offerFor, sumReserved } from './claims.js';
import { freshRecords } from './log-records.js';
import { settledSteps } from './steps.js';

const now = new Date(Date.UTC(2026, 0, 1));
const pool = (name: string, more: Partial<PoolOffer> = {}): PoolOffer => ({
  ...{ name, backend: 'process', image: undefined, cpus: 1, memoryBytes: 2 ** 20 },
  ...more,
});
const host = (id: string, more: Partial<HostView> = {}): HostView => ({
  ...{ id, state: 'active', alive: true, pools: [pool('default')] },
  capacity: { cpus: 4, memoryBytes: 4 * 2 ** 20, slots: 4 },
  reserved: { cpus: 0, memoryBytes: 0, slots: 0 },
  ...more,
});
const waiting = (more: Partial<Parameters<typeof fitOf>[0]> = {}) => ({
  ...{ pool: 'default', notBefore: 0, avoidHosts: [] as string[] },
  ...more,
});

describe('fitOf', () => {
  const answer = (one: HostView, attempt = waiting(), others: HostView[] = []): string => {
    const fit = fitOf(attempt, one, [one, ...others], now);
    return fit.fits ? fit.pool.name : fit.reason;
  };

  it('says what is in the way, in words that stay true', () => {
    expect(answer(host('a'))).toBe('default');
    expect(answer(host('a'), waiting({ notBefore: now.getTime() + 1 }))).toBe('waits until 2026-01-01T00:00:00.001Z');
    expect(answer(host('a'), waiting({ notBefore: now.getTime() }))).toBe('default');
    expect(answer(host('a', { alive: false }))).toBe('does not answer');
    expect(answer(host('a', { state: 'draining' }))).toBe('is draining');
    expect(answer(host('a'), waiting({ pool: 'zones' }))).toBe('does not serve pool zones');
    const full = { cpus: 3.5, memoryBytes: 0, slots: 1 };
    expect(answer(host('a', { reserved: full }))).toBe('has 0.5 of 4 cpus free, it takes 1');
    expect(answer(host('a', { reserved: { ...full, slots: 4 } }))).toBe('has no free slot (4 in use)');
    expect(answer(host('a', { reserved: { cpus: 0, memoryBytes: 3.5 * 2 ** 20, slots: 1 } }))).toBe(
      'has 0 MiB of 4 MiB free, it takes 1 MiB',
    );
    expect(answer(host('a', { pools: [pool('default', { cpus: 5 })] }))).toBe(
      'is too small for it (4 cpus, 4 MiB, 4 slots; it takes 5 cpus and 1 MiB)',
    );
  });

  it('avoids a host only while another could take it', () => {
    const attempt = waiting({ avoidHosts: ['a'] });
    expect(answer(host('a'), attempt)).toBe('default');
    expect(answer(host('a'), attempt, [host('b')])).toContain('is avoided');
    expect(answer(host('a'), attempt, [host('b', { alive: false })])).toBe('default');
    expect(answer(host('a'), attempt, [host('b', { state: 'cordoned' })])).toBe('default');
    expect(answer(host('a'), attempt, [host('b', { pools: [pool('other')] })])).toBe('default');
    expect(answer(host('a'), attempt, [host('b', { pools: [pool('*')] })])).toBe('default');
    expect(answer(host('a'), waiting({ avoidHosts: ['a', 'b'] }), [host('b')])).toBe('default');
  });

  it('fills a host to the brim with fractions of cpus', () => {
    const pools = [pool('default', { cpus: 0.1, memoryBytes: 1 })];
    const taken: PoolOffer[] = [];
    const capacity = { cpus: 0.3, memoryBytes: 100, slots: 100 };
    for (;;) {
      const fit = fitOf(waiting(), host('a', { pools, capacity, reserved: sumReserved(taken) }), [], now);
      if (!fit.fits) {
        break;
      }
      taken.push(fit.pool);
    }
    expect(taken).toHaveLength(3);
  });

  it('never gives away more than there is', () => {
    const sizes = fc.array(fc.record({ cpus: fc.integer({ min: 1, max: 40 }), memoryBytes: fc.nat(50) }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(sizes, fc.array(fc.nat(3), { maxLength: 60 }), (offers, asked) => {
        const pools = offers.map(({ cpus, memoryBytes }, index) => pool(`p${index}`, { cpus: cpus / 10, memoryBytes }));
        const capacity = { cpus: 4, memoryBytes: 100, slots: 5 };
        const taken: PoolOffer[] = [];
        for (const index of asked) {
          const view = host('a', { pools, capacity, reserved: sumReserved(taken) });
          const fit = fitOf(waiting({ pool: `p${index}` }), view, [view], now);
          if (fit.fits) {
            taken.push(fit.pool);
          }
        }
        const reserved = sumReserved(taken);
        expect(reserved.cpus).toBeLessThanOrEqual(4);
        expect(reserved.memoryBytes).toBeLessThanOrEqual(100);
        expect(reserved.slots).toBeLessThanOrEqual(5);
      }),
    );
  });
});

describe('offerFor', () => {
  it('prefers the name, and * only where nobody alive has it', () => {
    const star = host('a', { pools: [pool('*', { cpus: 3 })] });
    const named = host('b', { pools: [pool('zones')] });
    expect(offerFor('zones', named, [star, named])?.name).toBe('zones');
    expect(offerFor('zones', star, [star, named])).toBeUndefined();
    expect(offerFor('zones', star, [star, { ...named, alive: false }])?.name).toBe('*');
    expect(offerFor('zones', star, [star])?.name).toBe('*');
  });
});

describe('hostsSay', () => {
  it('answers for all hosts, whichever asked', () => {
    const busy = host('a', { reserved: { cpus: 0, memoryBytes: 0, slots: 4 } });
    const draining = host('b', { state: 'draining' });
    expect(hostsSay(waiting(), [], now)).toBe('no host is alive');
    expect(hostsSay(waiting(), [host('a', { alive: false })], now)).toBe('no host is alive');
    expect(hostsSay(waiting({ pool: 'x' }), [busy, draining], now)).toBe(
      'no live host serves pool x (they serve default)',
    );
    expect(hostsSay(waiting(), [busy, draining], now)).toBe('host a has no free slot (4 in use); host b is draining');
    expect(hostsSay(waiting(), [busy, host('c')], now)).toBeUndefined();
    expect(hostsSay(waiting({ notBefore: now.getTime() + 1 }), [], now)).toBeUndefined();
  });
});

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
