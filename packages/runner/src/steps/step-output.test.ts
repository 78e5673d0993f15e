import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { flushMs, StepOutput } from './step-output.js';

let emitted: string[];
let output: StepOutput;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  emitted = [];
  output = new StepOutput(
    (stream, data) => emitted.push(`${stream} ${data.length > 100 ? data.length : data.toString()}`),
    () => performance.now(),
  );
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a step’s output', () => {
  it('goes out almost at once after a silence, then once a flush time', () => {
    output.add('stdout', Buffer.from('a'));
    vi.advanceTimersByTime(1);
    expect(emitted).toEqual(['stdout a']);
    output.add('stdout', Buffer.from('b'));
    vi.advanceTimersByTime(flushMs - 10);
    output.add('stdout', Buffer.from('c'));
    expect(emitted).toHaveLength(1);
    vi.advanceTimersByTime(10);
    expect(emitted).toEqual(['stdout a', 'stdout bc']);
  });

  it('never waits longer than the flush time, however much comes', () => {
    output.add('stdout', Buffer.from('a'));
    vi.advanceTimersByTime(1);
    for (let ms = 0; ms < flushMs; ms += 1) {
      output.add('stdout', Buffer.from('.'));
      vi.advanceTimersByTime(1);
    }
    expect(emitted).toEqual(['stdout a', `stdout ${'.'.repeat(flushMs)}`]);
  });

  it('goes out at 64 KiB without waiting', () => {
    output.add('stdout', Buffer.alloc(60 * 1024));
    output.add('stdout', Buffer.alloc(4 * 1024));
    expect(emitted).toEqual(['stdout 65536']);
  });

  it('keeps the order between the streams', () => {
    output.add('stdout', Buffer.from('a'));
    output.add('stderr', Buffer.from('b'));
    output.add('stdout', Buffer.from('c'));
    output.flush();
    expect(emitted).toEqual(['stdout a', 'stderr b', 'stdout c']);
    vi.runAllTimers();
    expect(emitted).toHaveLength(3);
  });
});
