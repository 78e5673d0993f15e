import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SolsticeError } from '../errors/index.js';
import { createLogger } from '../telemetry/index.js';
import { BackgroundLoop, type BackgroundLoopOptions } from './background-loop.js';
import { combine } from './part-health.js';

const away = (message = 'no answer') => new SolsticeError('database-unavailable', message);

let lines: { level: string; msg: string }[];
let crashes: string[];
let loops: BackgroundLoop[];

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  crashes = [];
  loops = [];
});
afterEach(async () => {
  await Promise.all(loops.map((loop) => loop.stop()));
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function loopOf(pass: BackgroundLoopOptions['pass'], options: Partial<BackgroundLoopOptions> = {}): BackgroundLoop {
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const loop = new BackgroundLoop({
    name: 'tidy',
    pass,
    everyMs: 1_000,
    logger: createLogger({ level: 'info', stream }),
    onCrash: (error, name) => void crashes.push(`${name}: ${error.message}`),
    ...options,
  });
  loops.push(loop);
  loop.start();
  return loop;
}

/** A pass that the test lets go, one at a time. */
function held() {
  const waiting: { resolve(): void; reject(error: Error): void }[] = [];
  let begun = 0;
  const pass = () =>
    new Promise<void>((resolve, reject) => {
      begun += 1;
      waiting.push({ resolve, reject });
    });
  const next = async (error?: Error) => {
    const one = waiting.shift();
    if (error) one?.reject(error);
    else one?.resolve();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { pass, next, begun: () => begun };
}

test('a pass at start, then one every interval, give or take a fifth', async () => {
  const pass = vi.fn(async () => undefined);
  loopOf(pass);
  expect(pass).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(799);
  expect(pass).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(402);
  expect(pass).toHaveBeenCalledTimes(2);
});

test('woken early; two wake-ups during a pass lead to one more, never to two at once', async () => {
  const { pass, next, begun } = held();
  const loop = loopOf(pass);
  loop.wake();
  loop.wake();
  expect(begun()).toBe(1);
  await next();
  expect(begun()).toBe(2);
  await next();
  expect(begun()).toBe(2);
  loop.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(begun()).toBe(3);
  await next();
});

test('who asks during a pass waits for the one after it', async () => {
  const { pass, next, begun } = held();
  const loop = loopOf(pass);
  const done = vi.fn();
  void loop.passed().then(done);
  await next();
  expect(done).not.toHaveBeenCalled();
  expect(begun()).toBe(2);
  await next(away());
  expect(done).toHaveBeenCalled();
});

test('the least gap holds also when it is woken', async () => {
  const pass = vi.fn(async () => undefined);
  const loop = loopOf(pass, { minGapMs: 200 });
  await vi.advanceTimersByTimeAsync(0);
  loop.wake();
  await vi.advanceTimersByTimeAsync(199);
  expect(pass).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(pass).toHaveBeenCalledTimes(2);
});

test('an outage is logged when it begins, when its reason changes, and when it is over', async () => {
  let failure: Error | undefined = away();
  const loop = loopOf(async () => {
    if (failure) throw failure;
  });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(lines.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
    'warn a background pass failed; it is tried again',
  ]);
  expect(loop.failures).toBeGreaterThan(3);
  failure = away('too many connections');
  await vi.advanceTimersByTimeAsync(2_000);
  expect(lines).toHaveLength(2);
  failure = undefined;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(lines.map(({ msg }) => msg).slice(2)).toEqual(['a background loop does its work again']);
  expect(crashes).toEqual([]);
});

test('health says since when it fails, how often and why; after a good pass it is well', async () => {
  vi.setSystemTime('2031-05-04T03:02:01Z');
  let failure: Error | undefined = away();
  const loop = loopOf(async () => {
    if (failure) throw failure;
  });
  expect(loop.health()).toEqual({ ok: false, detail: 'its first pass is not over yet' });
  await vi.advanceTimersByTimeAsync(10_000);
  const { ok, detail } = loop.health();
  expect(ok).toBe(false);
  expect(detail).toMatch(/^failing since 2031-05-04T03:02:01\.\d+Z \(\d+ times\): database-unavailable: no answer$/);
  failure = undefined;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(loop.health()).toMatchObject({ ok: true, detail: expect.stringContaining('last good pass') });
  await loop.stop();
  expect(loop.health()).toEqual({ ok: false, detail: 'stopped' });
});

test('a pass that does not come back is told as hanging', async () => {
  const { pass, next } = held();
  const loop = loopOf(pass, { passWithinMs: 10_000 });
  await next();
  await vi.advanceTimersByTimeAsync(1_200);
  await vi.advanceTimersByTimeAsync(10_001);
  expect(loop.health()).toMatchObject({ ok: false, detail: expect.stringContaining('hangs') });
  await next();
  expect(loop.health().ok).toBe(true);
});

test('any other failure ends it: a crash, told once, and no pass follows', async () => {
  const pass = vi.fn(async () => {
    throw new TypeError('undefined is not a function');
  });
  const loop = loopOf(pass);
  const waiting = loop.passed();
  await vi.advanceTimersByTimeAsync(10_000);
  await waiting;
  await loop.passed();
  expect(crashes).toEqual(['tidy: undefined is not a function']);
  expect(pass).toHaveBeenCalledTimes(1);
  expect(loop.health()).toEqual({ ok: false, detail: 'crashed: undefined is not a function' });
});

test('stop aborts the pass that runs, waits for it, and takes its last words for no crash', async () => {
  const loop = loopOf(
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')))),
  );
  await loop.stop();
  await loop.passed();
  expect(crashes).toEqual([]);
  expect(loop.health()).toEqual({ ok: false, detail: 'stopped' });
});

test('several parts together are well when each is', () => {
  const well = { ok: true, detail: 'last good pass 1 s ago' };
  expect(combine({ planner: well, relay: well })).toEqual({ ok: true, detail: 'well: planner, relay' });
  expect(combine({ planner: well, relay: { ok: false, detail: 'stopped' } })).toEqual({
    ok: false,
    detail: 'relay: stopped',
  });
});
