import { EventEmitter } from 'node:events';
import { createLogger } from '@solstice/common/telemetry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Shutdown } from './shutdown.js';
import { listenForStop } from './stop-signals.js';

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

const logger = createLogger({ level: 'silent' });
let signals: FakeProcess;
beforeEach(() => {
  vi.useFakeTimers();
  signals = new FakeProcess();
});
afterEach(() => {
  vi.useRealTimers();
});

test('the first signal asks for an orderly end, the second forces it', async () => {
  const told = listenForStop(() => 30_000, logger, signals);
  signals.emit('SIGTERM');
  expect(await told.stop).toEqual({ signal: 'SIGTERM' });
  expect(told.signal.aborted).toBe(true);
  expect(signals.exits).toEqual([]);
  signals.emit('SIGINT');
  expect(signals.exits).toEqual([130]);
});

test('a crash is told once, and a signal after it forces', async () => {
  const told = listenForStop(() => 30_000, logger, signals);
  told.crashed(new Error('bang'));
  told.crashed(new Error('afterwards'));
  expect(await told.stop).toMatchObject({ crash: { message: 'bang' } });
  signals.emit('SIGTERM');
  expect(signals.exits).toEqual([130]);
});

test('a timer is always armed: as long as the end may take at that moment', () => {
  let deadlineMs = 30_000;
  listenForStop(() => deadlineMs, logger, signals);
  deadlineMs = 630_000;
  signals.emit('SIGTERM');
  vi.advanceTimersByTime(629_999);
  expect(signals.exits).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(signals.exits).toEqual([1]);
});

test('the end: told first, then drained with all at its place, then undone in reverse, also past a failure', async () => {
  const said: string[] = [];
  const shutdown = new Shutdown(logger);
  shutdown.add('database', () => void said.push('database'));
  shutdown.add('relay', () => {
    throw new Error('bang');
  });
  shutdown.add('intake', async () => void said.push('intake'));
  shutdown.addDrain('orchestrator', 600_000, async () => void said.push('drained'));
  shutdown.addDrain('other', 1_000, async () => void said.push('drained too'));
  shutdown.announce(() => said.push('stopping'));
  expect(shutdown.drainForMs).toBe(600_000);
  await Promise.all([shutdown.run(), shutdown.run()]);
  expect(said).toEqual(['stopping', 'drained', 'drained too', 'intake', 'database']);
});

test('after a crash nothing is drained', async () => {
  const said: string[] = [];
  const shutdown = new Shutdown(logger);
  shutdown.addDrain('orchestrator', 600_000, async () => void said.push('drained'));
  shutdown.skipDrains();
  expect(shutdown.drainForMs).toBe(0);
  await shutdown.run();
  expect(said).toEqual([]);
});
