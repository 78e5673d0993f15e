import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Heartbeats } from './heartbeats.js';

let sent: bigint[];
let connected: boolean;
let heartbeats: Heartbeats;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  sent = [];
  connected = true;
  heartbeats = new Heartbeats({
    monotonicMs: () => performance.now(),
    send: ({ number }) => {
      if (connected) sent.push(number);
      return connected;
    },
  });
  heartbeats.start();
});
afterEach(() => {
  heartbeats.stop();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('an answer counts from when the heartbeat was sent, not from when it comes', () => {
  heartbeats.helloSent();
  const beganMs = performance.now();
  heartbeats.watch();
  vi.advanceTimersByTime(6_000);
  expect(sent).toEqual([1n, 2n, 3n]);
  expect(heartbeats.answered(2n)).toBe(beganMs + 4_000);
  // Nor twice, nor for one that was never sent.
  expect(heartbeats.answered(2n)).toBeUndefined();
  expect(heartbeats.answered(1n)).toBeUndefined();
  expect(heartbeats.answered(9n)).toBeUndefined();
});

test('a new stream answers its own hello, and nothing of the one before', () => {
  heartbeats.helloSent();
  heartbeats.watch();
  vi.advanceTimersByTime(2_000);
  connected = false;
  vi.advanceTimersByTime(2_000);
  connected = true;
  heartbeats.helloSent();
  expect(heartbeats.answered(0n)).toBe(performance.now());
  expect(heartbeats.answered(1n)).toBeUndefined();
  expect(sent).toEqual([1n]);
});

test('ordinary work says it seldom, and remembers nothing of it', () => {
  heartbeats.helloSent();
  vi.advanceTimersByTime(30_000);
  expect(sent).toEqual([1n, 2n, 3n]);
  expect(heartbeats.answered(3n)).toBeUndefined();
});
