import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Watchdog } from './watchdog.js';

let expired: ReturnType<typeof vi.fn<() => void>>;
let watchdog: Watchdog;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  expired = vi.fn();
  watchdog = new Watchdog({ monotonicMs: () => performance.now(), onExpired: expired });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const inMs = (ms: number) => performance.now() + ms;

test('expires when the last time that was said has come, once', () => {
  watchdog.validUntil(inMs(1_000));
  watchdog.arm();
  vi.advanceTimersByTime(900);
  watchdog.validUntil(inMs(1_000));
  vi.advanceTimersByTime(999);
  expect(expired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(5_000);
  expect(expired).toHaveBeenCalledTimes(1);
});

test('an earlier time, said later, changes nothing: messages may overtake what they answer', () => {
  watchdog.arm();
  expect(expired).toHaveBeenCalledTimes(1);
  expired.mockClear();
  watchdog.validUntil(inMs(1_000));
  watchdog.arm();
  watchdog.validUntil(inMs(10));
  vi.advanceTimersByTime(999);
  expect(expired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(expired).toHaveBeenCalledTimes(1);
});

test('not armed, or not any more, it never expires', () => {
  watchdog.validUntil(inMs(10));
  vi.advanceTimersByTime(100);
  watchdog.validUntil(inMs(10));
  watchdog.arm();
  watchdog.disarm();
  watchdog.validUntil(inMs(10));
  vi.advanceTimersByTime(100);
  expect(expired).not.toHaveBeenCalled();
});
