import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SilenceClock } from './silence-clock.js';

let silentAt: number[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] });
  silentAt = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function clockOf(limitMs: number): SilenceClock {
  const monotonicMs = () => performance.now();
  return new SilenceClock({ limitMs, monotonicMs, onSilent: () => silentAt.push(Math.round(monotonicMs())) });
}

/** The time of an immediate is its own, and some of the clock's timers are rounded up. */
function expectOnceAt(ms: number): void {
  expect(silentAt).toHaveLength(1);
  expect(silentAt[0]).toBeGreaterThanOrEqual(ms);
  expect(silentAt[0]).toBeLessThanOrEqual(ms + 3);
}

describe('a silence clock', () => {
  it('goes off once when nothing was heard for so long', () => {
    clockOf(100).run();
    vi.advanceTimersByTime(99);
    expect(silentAt).toEqual([]);
    vi.advanceTimersByTime(500);
    expectOnceAt(100);
  });

  it('begins anew with each word', () => {
    const clock = clockOf(100);
    clock.run();
    for (let words = 0; words < 10; words += 1) {
      vi.advanceTimersByTime(90);
      clock.heard();
    }
    expect(silentAt).toEqual([]);
    vi.advanceTimersByTime(110);
    expectOnceAt(1_000);
  });

  it('stands still while it is held, and goes on with what was left', () => {
    const clock = clockOf(100);
    clock.run();
    vi.advanceTimersByTime(60);
    clock.hold();
    clock.hold();
    vi.advanceTimersByTime(10_000);
    clock.run();
    clock.run();
    vi.advanceTimersByTime(39);
    expect(silentAt).toEqual([]);
    vi.advanceTimersByTime(10);
    expectOnceAt(10_100);
  });

  it('hears also while it is held', () => {
    const clock = clockOf(100);
    clock.run();
    vi.advanceTimersByTime(99);
    clock.hold();
    clock.heard();
    clock.run();
    vi.advanceTimersByTime(99);
    expect(silentAt).toEqual([]);
  });

  it('counts what is read just as its time runs out', () => {
    const clock = clockOf(100);
    clock.run();
    // Due in the same turn of the loop as its own timer, after it.
    setTimeout(() => clock.heard(), 100);
    vi.advanceTimersByTime(150);
    expect(silentAt).toEqual([]);
  });

  it.each([0, 2 ** 31])('never goes off with a limit of %s', (limitMs) => {
    clockOf(limitMs).run();
    vi.advanceTimersByTime(1_000_000);
    expect(silentAt).toEqual([]);
  });

  it('never goes off once it is stopped', () => {
    const clock = clockOf(100);
    clock.run();
    clock.stop();
    clock.run();
    vi.advanceTimersByTime(1_000);
    expect(silentAt).toEqual([]);
  });
});
