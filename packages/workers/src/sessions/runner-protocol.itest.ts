import { buildRunner } from '@solstice/runner/build';
import { eventually } from '@solstice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { assignmentOf, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';

beforeAll(async () => {
  await buildRunner();
});

describe('a job in the real runner', () => {
  it('is green', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo hello', 'echo again >&2']));
    await using bench = await Bench.make(handler);
    expect(await bench.run()).toEqual({ exitCode: 0, signal: null, stderr: '' });
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0).toString()).toBe('hello\n');
    expect(handler.output(1, 'stderr').toString()).toBe('again\n');
    expect(handler.stepResults()).toEqual([
      { step: 0, result: { state: 'succeeded' }, exitCode: 0 },
      { step: 1, result: { state: 'succeeded' }, exitCode: 0 },
    ]);
  });

  it('is red with the code and the name of the step that failed, and runs no step after it', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo one', 'exit 3', 'echo three']));
    await using bench = await Bench.make(handler);
    expect((await bench.run()).exitCode).toBe(0);
    const cause = { kind: 'exit', step: 1, stepName: 'step 2', exitCode: 3 };
    expect(handler.result).toEqual({ state: 'failed', cause });
    expect(handler.stepResults()).toEqual([
      { step: 0, result: { state: 'succeeded' }, exitCode: 0 },
      { step: 1, result: { state: 'failed', cause }, exitCode: 3 },
    ]);
    expect(handler.output(2)).toHaveLength(0);
  });

  it('tells a signal by its name', async () => {
    const handler = new RecordingHandler(assignmentOf(['kill -SEGV $$']));
    await using bench = await Bench.make(handler);
    await bench.run();
    const cause = { kind: 'signal', step: 0, stepName: 'step 1', signal: 'SIGSEGV' };
    expect(handler.result).toEqual({ state: 'failed', cause });
  });

  it('is cancelled in the middle of a step, which gets its grace', async () => {
    const script = `trap 'echo tidying; sleep 0.2; echo tidy; exit 0' TERM; echo up; while :; do sleep 0.05; done`;
    const handler = new RecordingHandler(assignmentOf([script, 'echo never']));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).toString() === 'up\n');
    handler.control?.cancel('not needed');
    expect((await runner.ended).exitCode).toBe(0);
    expect(handler.result).toEqual({
      state: 'cancelled',
      cause: { kind: 'cancelled', by: 'unknown', reason: 'not needed' },
    });
    expect(handler.output(0).toString()).toBe('up\ntidying\ntidy\n');
    expect(handler.system).toContain('The job was cancelled: not needed\n');
    expect(handler.output(1)).toHaveLength(0);
  });
});
