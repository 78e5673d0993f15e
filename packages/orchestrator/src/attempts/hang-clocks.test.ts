import type { AttemptResult, JobSpec } from '@solstice/common/flow';
import type { Claim, RunnerRecord } from '@solstice/common/store';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AFTERMATH_MS } from './attempt-clocks.js';
import { HangClocks } from './hang-clocks.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const hangMs = 60_000;
const minute = 60_000;
const at = new Date(0);
const begun: RunnerRecord = { seq: 1, at, kind: 'step-started', step: 0 };
const said: RunnerRecord = { seq: 2, at, kind: 'log', step: 0, stream: 'stdout', data: new Uint8Array(1) };

function clocksOf(job: Partial<JobSpec>, more: { deadlineLeftMs?: number; adopted?: boolean } = {}) {
  const over = new AbortController();
  const told: AttemptResult[] = [];
  const lease = { steady: 3_600_000 };
  const spec: JobSpec = { kind: 'job', id: 'a', name: 'a', runsOn: 'x', env: {}, needs: [], steps: [], ...job };
  const { deadlineLeftMs, adopted = false } = more;
  const claim = { job: spec, ...(deadlineLeftMs !== undefined && { deadlineLeftMs }) } as Claim;
  const clocks = new HangClocks(
    {
      claim,
      clocks: { bootMs: 0, returnMs: 0, cancelMs: 0, hangMs },
      lease: { exclusiveLeftMs: () => 0, heardForMs: () => lease.steady },
      over: over.signal,
      onHang: (result) => told.push(result),
    },
    adopted,
  );
  return { clocks, told, over, lease };
}

const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('a runner that is well past the timeout of its job hangs', async () => {
  const { clocks, told } = clocksOf({ timeoutMs: minute });
  clocks.arm();
  await passes(2 * minute - 1);
  expect(told).toEqual([]);
  await passes(1);
  expect(told).toEqual([{ state: 'timed_out', cause: { kind: 'clock', clock: 'job', limitMs: minute } }]);
});

test('catch and finally have their time beyond it', async () => {
  const { clocks, told } = clocksOf({ timeoutMs: minute, catch: [], finally: [] });
  clocks.arm();
  await passes(2 * minute + 2 * AFTERMATH_MS - 1);
  expect(told).toEqual([]);
  await passes(1);
  expect(told).toHaveLength(1);
});

test('so have services, which its steps wait for', async () => {
  const ready = { command: 'true', intervalMs: 1, withinMs: 3 * minute };
  const service = (name: string) => ({ name, image: name, env: {} });
  const { clocks, told } = clocksOf({ timeoutMs: minute, services: [{ ...service('db'), ready }, service('cache')] });
  clocks.arm();
  await passes(5 * minute - 1);
  expect(told).toEqual([]);
  await passes(1);
  expect(told).toHaveLength(1);
});

test('past what is left of the deadline, the deadline is the cause, whole', async () => {
  const { clocks, told } = clocksOf({ timeoutMs: 60 * minute, deadlineMs: 50 * minute }, { deadlineLeftMs: minute });
  clocks.arm();
  await passes(2 * minute);
  expect(told).toEqual([{ state: 'timed_out', cause: { kind: 'clock', clock: 'deadline', limitMs: 50 * minute } }]);
});

test('what is silent for longer than it may, and then some, hangs; every word begins anew', async () => {
  const { clocks, told } = clocksOf({ silenceMs: minute });
  clocks.heard([begun]);
  for (let minutes = 0; minutes < 10; minutes += 1) {
    await passes(minute);
    clocks.heard([said]);
  }
  expect(told).toEqual([]);
  await passes(2 * minute - 1);
  expect(told).toEqual([]);
  await passes(1);
  expect(told).toEqual([{ state: 'timed_out', cause: { kind: 'clock', clock: 'silence', limitMs: minute } }]);
});

test('the silence of a checkout does not count, nor that of a job that has no such clock', async () => {
  const checkingOut = clocksOf({ silenceMs: minute });
  checkingOut.clocks.heard([said]);
  const unlimited = clocksOf({});
  unlimited.clocks.heard([begun]);
  await passes(60 * minute);
  expect([...checkingOut.told, ...unlimited.told]).toEqual([]);
});

test('one that was taken over is heard from its first word on', async () => {
  const { clocks, told } = clocksOf({ silenceMs: minute }, { adopted: true });
  clocks.heard([said]);
  await passes(2 * minute);
  expect(told).toHaveLength(1);
});

test('what the runner keeps because it could not be stored is never overtaken', async () => {
  const { clocks, told, lease } = clocksOf({ silenceMs: minute, timeoutMs: minute }, {});
  clocks.arm();
  clocks.heard([begun]);
  // The store is away: the runner spools.
  lease.steady = 0;
  await passes(30 * minute);
  expect(told).toEqual([]);
  lease.steady = 3_600_000;
  await passes(hangMs);
  expect(told).not.toEqual([]);
});

test('nothing is said of what is over', async () => {
  const { clocks, told, over } = clocksOf({ silenceMs: minute, timeoutMs: minute });
  clocks.arm();
  clocks.heard([begun]);
  over.abort();
  await passes(60 * minute);
  expect(told).toEqual([]);
});
