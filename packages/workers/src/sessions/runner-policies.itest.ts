import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Step, StepKind } from '@solstice/common/rpc';
import { buildRunner } from '@solstice/runner/build';
import { eventually } from '@solstice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { assignmentOf, generousLimits, mebibyte, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';

beforeAll(async () => {
  await buildRunner();
});

const forEver = 'while :; do sleep 0.05; done';
const step = (script: string, more: Partial<Step> = {}): Partial<Step> => ({
  action: { $case: 'run', value: script },
  ...more,
});
const caught = (script: string) => step(script, { kind: StepKind.STEP_KIND_CATCH });
const last = (script: string, more: Partial<Step> = {}) => step(script, { kind: StepKind.STEP_KIND_FINALLY, ...more });
const showError = 'echo "$CI_ERROR_KIND|$CI_ERROR_REASON|$CI_ERROR_STEP|${CI_ERROR_EXIT-unset}"';

async function run(handler: RecordingHandler): Promise<void> {
  await using bench = await Bench.make(handler);
  expect(await bench.run()).toEqual({ exitCode: 0, signal: null, stderr: '' });
}

describe('silence', () => {
  it('of a step ends it, however much another printed before', async () => {
    const silent = step(`echo up; ${forEver}`, { silenceMs: 400n });
    const handler = new RecordingHandler(assignmentOf(['sleep 0.6', silent, 'echo never']));
    await run(handler);
    const cause = { kind: 'clock', clock: 'step-silence', limitMs: 400, step: 1, stepName: 'step 2' };
    expect(handler.result).toEqual({ state: 'timed_out', cause });
    expect(handler.system).toContain('The step printed nothing for 0.4 s and is stopped.\n');
    expect(handler.output(2)).toHaveLength(0);
  });

  it('of the whole job ends it', async () => {
    const handler = new RecordingHandler(assignmentOf(['echo one', forEver], { silenceMs: 2_000n }));
    await run(handler);
    const cause = { kind: 'clock', clock: 'silence', limitMs: 2_000, step: 1, stepName: 'step 2' };
    expect(handler.result).toEqual({ state: 'timed_out', cause });
  });

  it('is broken by any word, also by one of a background child of an earlier step', async () => {
    const ticking = '(while :; do echo tick; sleep 0.1; done) & echo started';
    const chatty = step('for i in 1 2 3 4 5 6 7 8; do printf . >&2; sleep 0.4; done', { silenceMs: 2_500n });
    const handler = new RecordingHandler(assignmentOf([ticking, 'sleep 3', chatty], { silenceMs: 2_500n }));
    await run(handler);
    expect(handler.result).toEqual({ state: 'succeeded' });
  });

  it('does not count while a full spool holds output back', async () => {
    const limits = { ...generousLimits, spoolBytes: BigInt(mebibyte) };
    // Longer than the limit: the step itself says when it has been held for that long.
    const loud = step(`(sleep 4; : > waited) & yes x | head -c ${4 * mebibyte}; echo; echo done`, {
      silenceMs: 2_000n,
    });
    const handler = new RecordingHandler(assignmentOf([loud], { limits, silenceMs: 2_000n }));
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    handler.gate = () => released;
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(async () => (await bench.spooledBytes()) >= mebibyte);
    await eventually(() => bench.inWork('waited'));
    release();
    expect((await runner.ended).exitCode).toBe(0);
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0)).toHaveLength(4 * mebibyte + 6);
  });
});

describe('a step that may fail', () => {
  it.each<[string, Partial<Step>, string]>([
    ['with an exit code', step('exit 3'), 'failed'],
    ['at its own timeout', step(forEver, { timeoutMs: 300n }), 'timed_out'],
    ['for its silence', step(forEver, { silenceMs: 300n }), 'timed_out'],
    ['because it cannot start', { action: { $case: 'scriptPath', value: 'ci/missing' } }, 'failed'],
  ])('is shown as failed, and the job goes on: %s', async (_, failing, state) => {
    const handler = new RecordingHandler(assignmentOf([{ ...failing, allowFailure: true }, 'echo next']));
    await run(handler);
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.stepResults().map(({ result }) => result.state)).toEqual([state, 'succeeded']);
    expect(handler.output(1).toString()).toBe('next\n');
    expect(handler.system).toContain('The step may fail: the job goes on.');
  });

  it.each([
    ['in the middle', ['echo never']],
    ['at the end', []],
  ])('does not outlive the timeout of the job: %s', async (_, rest) => {
    const failing = step(forEver, { allowFailure: true });
    const handler = new RecordingHandler(assignmentOf([failing, ...rest], { timeoutMs: 300n }));
    await run(handler);
    expect(handler.result).toMatchObject({ state: 'timed_out', cause: { clock: 'job' } });
    expect(handler.output(1)).toHaveLength(0);
  });
});

describe('the deadline', () => {
  it('ends the steps, and is told whole', async () => {
    const deadline = { deadlineMs: 300n, deadlineLimitMs: 7_200_000n, timeoutMs: 60_000n };
    const handler = new RecordingHandler(assignmentOf([forEver], deadline));
    await run(handler);
    const cause = { kind: 'clock', clock: 'deadline', limitMs: 7_200_000, step: 0, stepName: 'step 1' };
    expect(handler.result).toEqual({ state: 'timed_out', cause });
  });
});

describe('the deadline of what the job stands in', () => {
  const within = (leftMs: bigint, branch = '') => ({ enclosingDeadline: { leftMs, limitMs: 7_200_000n, branch } });

  it.each([
    ['workflow', '', 'The workflow’s deadline of 7200 s is over, and the job is stopped.'],
    ['branch', 'channel', 'The deadline of 7200 s of branch channel is over, and the job is stopped.'],
  ])('ends its steps as a cancel does, although nobody says a word: %s', async (clock, branch, line) => {
    const steps = [`echo up; ${forEver}`, 'echo never', caught('echo never'), last(showError)];
    const handler = new RecordingHandler(assignmentOf(steps, within(300n, branch)));
    await run(handler);
    const cause = { kind: 'clock', clock, limitMs: 7_200_000, step: 0, stepName: 'step 1' };
    expect(handler.result).toEqual({ state: 'cancelled', cause });
    expect(handler.system).toContain(`${line.replace('’', "'")}\n`);
    expect([handler.output(1), handler.output(2)].map(String)).toEqual(['', '']);
    expect(handler.output(3).toString()).toMatch(/^timeout\|the .*deadline of 7200 s.* is over\|step 1\|unset\n$/);
  });

  it('is the reason of a cancel that says so, and of none after it', async () => {
    const handler = new RecordingHandler(assignmentOf([`echo up; ${forEver}`, last(showError)], within(3_600_000n)));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).length > 0);
    handler.control?.cancel('the branch did not end in time', { branchId: 'channel', limitMs: 60_000 });
    handler.control?.cancel('typo');
    await runner.ended;
    expect(handler.result).toMatchObject({ state: 'cancelled', cause: { clock: 'branch', limitMs: 60_000 } });
    expect(handler.output(1).toString()).toBe('timeout|the deadline of 60 s of branch channel is over|step 1|unset\n');
  });

  it('leaves its last steps a bounded time', async () => {
    const limits = { ...generousLimits, aftermathMs: 500n };
    const handler = new RecordingHandler(assignmentOf([forEver, last(forEver)], { limits, ...within(300n) }));
    await run(handler);
    expect(handler.system).toContain('The 0.5 s that are left to a cancelled job are over.\n');
    expect(handler.result).toMatchObject({ state: 'cancelled', cause: { clock: 'workflow' } });
  });

  it('comes to nothing where the job ended before, or its own clock comes first', async () => {
    const done = new RecordingHandler(assignmentOf(['true'], within(60_000n)));
    await run(done);
    expect(done.result).toEqual({ state: 'succeeded' });
    const slow = new RecordingHandler(assignmentOf([forEver], { timeoutMs: 300n, ...within(60_000n) }));
    await run(slow);
    expect(slow.result).toMatchObject({ state: 'timed_out', cause: { clock: 'job' } });
  });
});

describe('catch', () => {
  it('mends the job when the steps failed, and knows why they did', async () => {
    const handler = new RecordingHandler(
      assignmentOf(['exit 7', 'echo never', caught(showError), caught('echo mended')]),
    );
    await run(handler);
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(2).toString()).toBe('exit|step “step 1” exited with 7|step 1|7\n');
    expect(handler.output(3).toString()).toBe('mended\n');
    expect(handler.stepResults().map(({ step: index, result }) => `${index} ${result.state}`)).toEqual([
      '0 failed',
      '2 succeeded',
      '3 succeeded',
    ]);
  });

  it('runs when they took too long', async () => {
    const handler = new RecordingHandler(
      assignmentOf([forEver, caught(`sleep 0.5; ${showError}`)], { timeoutMs: 300n }),
    );
    await run(handler);
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(1).toString()).toBe('timeout|the job took longer than 0.3 s|step 1|unset\n');
  });

  it('that fails leaves the first failure as the cause', async () => {
    const handler = new RecordingHandler(assignmentOf(['exit 7', caught('exit 8'), caught('echo never')]));
    await run(handler);
    expect(handler.result).toMatchObject({ state: 'failed', cause: { step: 0, exitCode: 7 } });
    expect(handler.output(2)).toHaveLength(0);
  });

  it('does not run when the steps succeeded, nor after a cancel', async () => {
    const green = new RecordingHandler(assignmentOf(['true', caught('echo never')]));
    await run(green);
    expect(green.output(1)).toHaveLength(0);

    const cancelled = new RecordingHandler(assignmentOf([`echo up; ${forEver}`, caught('echo never')]));
    await using bench = await Bench.make(cancelled);
    const runner = await bench.startRunner();
    await eventually(() => cancelled.output(0).length > 0);
    cancelled.control?.cancel('enough');
    await runner.ended;
    expect(cancelled.result?.state).toBe('cancelled');
    expect(cancelled.output(1)).toHaveLength(0);
  });

  it('has a time of its own, though no more than that, when the job has none left', async () => {
    const limits = { ...generousLimits, aftermathMs: 2_000n };
    const handler = new RecordingHandler(
      assignmentOf([forEver, caught(`echo up; ${forEver}`)], { timeoutMs: 200n, limits }),
    );
    await run(handler);
    expect(handler.output(1).toString()).toBe('up\n');
    expect(handler.stepResults()[1]?.result.state).toBe('timed_out');
    expect(handler.result).toMatchObject({ state: 'timed_out', cause: { clock: 'job', step: 0 } });
  });
});

describe('finally', () => {
  it.each([
    ['succeeded', 'true', 'unset'],
    ['failed', 'exit 3', 'exit'],
  ])('runs when the steps %s, and changes nothing when it succeeds', async (state, script, kind) => {
    const handler = new RecordingHandler(assignmentOf([script, last('echo "${CI_ERROR_KIND-unset}"')]));
    await run(handler);
    expect(handler.result?.state).toBe(state);
    expect(handler.output(1).toString()).toBe(`${kind}\n`);
  });

  it('runs after catch, which may have mended the job', async () => {
    const handler = new RecordingHandler(
      assignmentOf(['exit 3', caught('echo caught'), last('echo "last ${CI_ERROR_KIND-unset}"')]),
    );
    await run(handler);
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(2).toString()).toBe('last unset\n');
  });

  it('fails the job when it fails, but a failure before it counts more', async () => {
    const green = new RecordingHandler(assignmentOf(['true', last('exit 5')]));
    await run(green);
    expect(green.result).toMatchObject({ state: 'failed', cause: { step: 1, exitCode: 5 } });
    const red = new RecordingHandler(assignmentOf(['exit 3', last('exit 5')]));
    await run(red);
    expect(red.result).toMatchObject({ state: 'failed', cause: { step: 0, exitCode: 3 } });
  });

  it('runs after a cancel, which stays the result', async () => {
    const handler = new RecordingHandler(assignmentOf([`echo up; ${forEver}`, last(showError)]));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).length > 0);
    handler.control?.cancel('newer push');
    await runner.ended;
    expect(handler.result?.state).toBe('cancelled');
    expect(handler.output(1).toString()).toBe('cancelled|the job was cancelled: newer push|step 1|unset\n');
  });

  it('has so long after a cancel, and no longer', async () => {
    const limits = { ...generousLimits, aftermathMs: 2_000n };
    const handler = new RecordingHandler(
      assignmentOf([`echo up; ${forEver}`, last(`echo tidying; ${forEver}`), last('echo never')], { limits }),
    );
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(0).length > 0);
    handler.control?.cancel('');
    await runner.ended;
    expect(handler.result?.state).toBe('cancelled');
    expect(handler.output(1).toString()).toBe('tidying\n');
    expect(handler.output(2)).toHaveLength(0);
    expect(handler.system).toContain('The 2 s that are left to a cancelled job are over.\n');
  });

  it('goes on to its end when the cancel comes while it runs', async () => {
    const tidying = last('echo tidying; until [ -e go ]; do sleep 0.02; done; echo tidy');
    const handler = new RecordingHandler(assignmentOf(['true', tidying]));
    await using bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.output(1).length > 0);
    handler.control?.cancel('late');
    await eventually(() => handler.system.includes('The job was cancelled: late'));
    await writeFile(join(bench.workDirectory, 'go'), '');
    await runner.ended;
    expect(handler.output(1).toString()).toBe('tidying\ntidy\n');
    expect(handler.result?.state).toBe('cancelled');
  });

  it('ends when its own step takes too long', async () => {
    const handler = new RecordingHandler(assignmentOf(['true', last(forEver, { timeoutMs: 300n })]));
    await run(handler);
    expect(handler.result).toMatchObject({ state: 'timed_out', cause: { clock: 'step', step: 1 } });
  });
});
