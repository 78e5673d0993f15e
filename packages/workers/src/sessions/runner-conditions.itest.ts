import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Assignment, type Step, StepKind } from '@solstice/common/rpc';
import { buildRunner } from '@solstice/runner/build';
import { eventually } from '@solstice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { assignmentOf, generousLimits, RecordingHandler } from './testing/recording-handler.js';
import { Bench } from './testing/runner-process.js';

beforeAll(async () => {
  await buildRunner();
});

const forEver = 'while :; do sleep 0.05; done';
const step = (script: string, more: Partial<Step> = {}): Partial<Step> => ({
  action: { $case: 'run', value: script },
  ...more,
});
const caught = (script: string, more: Partial<Step> = {}) => step(script, { kind: StepKind.STEP_KIND_CATCH, ...more });
const last = (script: string, more: Partial<Step> = {}) => step(script, { kind: StepKind.STEP_KIND_FINALLY, ...more });
const context = { branch: 'main', matrix: { rust: 'stable' }, needs: { build: { result: 'failed', outputs: {} } } };
const reading: Partial<Assignment> = { conditionContext: JSON.stringify(context), changed: { 'src/**': true } };

async function run(handler: RecordingHandler): Promise<void> {
  await using bench = await Bench.make(handler);
  expect(await bench.run()).toEqual({ exitCode: 0, signal: null, stderr: '' });
}
/** `0 skipped`, `1 succeeded`, in the order in which they were told. */
const ends = (handler: RecordingHandler): string[] =>
  handler.records.flatMap((record) => {
    if (record.kind === 'step-skipped') return [`${record.step} skipped`];
    return record.kind === 'step-finished' ? [`${record.step} ${record.result.state}`] : [];
  });

describe('a step with a condition', () => {
  it('runs when it holds, and is skipped with a line that says why when it does not', async () => {
    const handler = new RecordingHandler(
      assignmentOf(
        [
          step('echo one', { when: "branch == 'main' && changed('src/**')" }),
          step('echo two', { when: "matrix.rust != 'stable'" }),
          step('echo three', { when: "needs.build.result == 'failed' && needs.build.outputs.version == ''" }),
        ],
        reading,
      ),
    );
    await run(handler);
    expect(ends(handler)).toEqual(['0 succeeded', '1 skipped', '2 succeeded']);
    expect(handler.output(1)).toHaveLength(0);
    expect(handler.output(1, 'system').toString()).toBe(
      "The step is skipped, because its condition is false: matrix.rust != 'stable'\n",
    );
    expect(handler.result).toEqual({ state: 'succeeded' });
  });

  it('leaves a job succeeded when all are skipped', async () => {
    const handler = new RecordingHandler(assignmentOf([step('exit 1', { when: 'false' })], reading));
    await run(handler);
    expect(ends(handler)).toEqual(['0 skipped']);
    expect(handler.result).toEqual({ state: 'succeeded' });
  });

  it.each([
    ['an error in judging', 'size(branch) / 0 == 1'],
    ['a name that is not there', "gates.release.replicas == '1'"],
    ['something else than a condition', "'yes'"],
  ])('fails with %s, and the next does not run', async (_, when) => {
    const handler = new RecordingHandler(assignmentOf([step('echo never', { when }), 'echo never'], reading));
    await run(handler);
    expect(handler.result).toMatchObject({
      state: 'failed',
      cause: { kind: 'expression', detail: expect.stringContaining(`step “step 1”: ${when}: `) },
    });
    expect(ends(handler)).toEqual(['0 failed']);
    expect(handler.system).toContain(`The step's condition could not be judged: ${when}: `);
    expect(handler.output(0)).toHaveLength(0);
    expect(handler.output(1)).toHaveLength(0);
  });

  it('may fail by it where it may fail', async () => {
    const failing = step('echo never', { when: '1 / 0 == 1', allowFailure: true });
    const handler = new RecordingHandler(assignmentOf([failing, 'echo on'], reading));
    await run(handler);
    expect(ends(handler)).toEqual(['0 failed', '1 succeeded']);
    expect(handler.result).toEqual({ state: 'succeeded' });
  });

  it('knows in catch and finally what went wrong', async () => {
    const handler = new RecordingHandler(
      assignmentOf(
        [
          'exit 7',
          caught('echo mended', { when: "error.kind == 'exit' && error.exit == 7 && error.step == 'step 1'" }),
          caught('echo never', { when: "error.kind == 'timeout'" }),
          last('echo never', { when: "error.kind != ''" }),
          last('echo well', { when: "error.kind == '' && branch == 'main'" }),
        ],
        reading,
      ),
    );
    await run(handler);
    expect(ends(handler)).toEqual(['0 failed', '1 succeeded', '2 skipped', '3 skipped', '4 succeeded']);
    expect(handler.result).toEqual({ state: 'succeeded' });
  });
});

describe('the deadline of a step', () => {
  it('ends it when what earlier attempts have left of it is over', async () => {
    const limited = step(`echo up; ${forEver}`, { deadlineMs: 300n, deadlineLimitMs: 60_000n });
    const handler = new RecordingHandler(assignmentOf([limited, 'echo never']));
    await run(handler);
    const cause = { kind: 'clock', clock: 'step-deadline', limitMs: 60_000, step: 0, stepName: 'step 1' };
    expect(handler.result).toEqual({ state: 'timed_out', cause });
    expect(handler.output(0).toString()).toBe('up\n');
    expect(handler.output(1)).toHaveLength(0);
  });

  it('keeps it from beginning when they have left nothing', async () => {
    const limited = step('echo never', { deadlineMs: 0n, deadlineLimitMs: 60_000n });
    const handler = new RecordingHandler(assignmentOf([limited, last('echo tidy')]));
    await run(handler);
    expect(handler.result).toMatchObject({ state: 'timed_out', cause: { clock: 'step-deadline', limitMs: 60_000 } });
    expect(handler.output(0)).toHaveLength(0);
    expect(handler.system).toContain("The step's deadline of 60 s was used up by earlier attempts of the job");
    expect(handler.output(1).toString()).toBe('tidy\n');
  });

  it('is nothing to one that is skipped, or that is done before', async () => {
    const handler = new RecordingHandler(
      assignmentOf([
        step('echo never', { when: 'false', deadlineMs: 0n, deadlineLimitMs: 60_000n }),
        step('true', { deadlineMs: 300n, deadlineLimitMs: 300n }),
        'sleep 0.6',
      ]),
    );
    await run(handler);
    expect(ends(handler)).toEqual(['0 skipped', '1 succeeded', '2 succeeded']);
  });
});

describe('a job with services', () => {
  const failure = { name: 'db', detail: 'ended with exit code 1', output: ['no space', 'bye'], ended: true };
  const started = async (scripts: readonly (string | Partial<Step>)[], more: Partial<Assignment> = {}) => {
    const handler = new RecordingHandler(assignmentOf(scripts, { services: ['db'], ...more }));
    const bench = await Bench.make(handler);
    const runner = await bench.startRunner();
    await eventually(() => handler.system.includes('Waiting for service db.'));
    return { handler, bench, runner };
  };

  it('begins its steps when they are ready, and not before', async () => {
    const { handler, bench, runner } = await started(['echo up']);
    await using _ = bench;
    expect(handler.records.filter(({ kind }) => kind !== 'log')).toEqual([]);
    handler.control?.servicesReady();
    handler.control?.servicesReady();
    await runner.ended;
    expect(handler.result).toEqual({ state: 'succeeded' });
    expect(handler.output(0).toString()).toBe('up\n');
    expect(handler.system).toContain('Ready: db.\n');
  });

  it('fails without a step when one is not ready, and shows what it printed', async () => {
    const { handler, bench, runner } = await started(['echo never', last('echo never')]);
    await using _ = bench;
    handler.control?.serviceFailed({ ...failure, detail: 'was not ready within 1 min', ended: false });
    await runner.ended;
    expect(handler.result).toEqual({
      state: 'failed',
      cause: { kind: 'service', name: 'db', detail: 'was not ready within 1 min: no space\nbye' },
    });
    expect(handler.records.filter(({ kind }) => kind === 'step-started')).toEqual([]);
    expect(handler.system).toContain(
      'Service db was not ready within 1 min. What it printed last:\n  no space\n  bye\n',
    );
  });

  it('is stopped when one ends, and tidies up; catch may mend it', async () => {
    const { handler, bench, runner } = await started([
      `echo up; ${forEver}`,
      caught('echo "$CI_ERROR_KIND|$CI_ERROR_REASON"; exit 1', { when: "error.kind == 'service'" }),
      last('echo tidy'),
    ]);
    await using _ = bench;
    handler.control?.servicesReady();
    await eventually(() => handler.output(0).length > 0);
    handler.control?.serviceFailed(failure);
    await runner.ended;
    expect(ends(handler)).toEqual(['0 failed', '1 failed', '2 succeeded']);
    expect(handler.output(1).toString()).toBe('service|service db: ended with exit code 1: no space\nbye\n');
    expect(handler.output(2).toString()).toBe('tidy\n');
    expect(handler.result).toMatchObject({ state: 'failed', cause: { kind: 'service', name: 'db' } });
  });

  it('does not hear, once its steps run, that one is not ready; nor in finally that one ended', async () => {
    const { handler, bench, runner } = await started([
      'echo up; until [ -e go ]; do sleep 0.02; done',
      last('echo tidying; until [ -e done ]; do sleep 0.02; done'),
    ]);
    await using _ = bench;
    handler.control?.servicesReady();
    await eventually(() => handler.output(0).length > 0);
    handler.control?.serviceFailed({ ...failure, ended: false });
    await writeFile(join(bench.workDirectory, 'go'), '');
    await eventually(() => handler.output(1).length > 0);
    handler.control?.serviceFailed(failure);
    await writeFile(join(bench.workDirectory, 'done'), '');
    await runner.ended;
    expect(handler.result).toEqual({ state: 'succeeded' });
  });

  it('is cancelled while it waits for them', async () => {
    const { handler, bench, runner } = await started(['echo never']);
    await using _ = bench;
    handler.control?.cancel('typo');
    await runner.ended;
    expect(handler.result?.state).toBe('cancelled');
    expect(handler.output(0)).toHaveLength(0);
  });
});

it('a deadline of the workflow is told as a cancel, and finally runs once, for its own time at most', async () => {
  const limits = { ...generousLimits, aftermathMs: 1_500n };
  const handler = new RecordingHandler(
    assignmentOf([`echo up; ${forEver}`, last(`echo tidying; ${forEver}`)], { limits }),
  );
  await using bench = await Bench.make(handler);
  const runner = await bench.startRunner();
  await eventually(() => handler.output(0).length > 0);
  const reason = 'the workflow did not end within its deadline of 2 h';
  handler.control?.cancel(reason);
  await eventually(() => handler.output(1).length > 0);
  // A second one, as after a new stream, gives it no new time and no second run.
  handler.control?.cancel(reason);
  await runner.ended;
  expect(handler.system.split(`The job was cancelled: ${reason}`)).toHaveLength(2);
  expect(handler.output(1).toString()).toBe('tidying\n');
  expect(handler.records.filter((record) => record.kind === 'step-started' && record.step === 1)).toHaveLength(1);
  expect(handler.system).toContain('The 1.5 s that are left to a cancelled job are over.\n');
  expect(handler.result).toMatchObject({ state: 'cancelled', cause: { kind: 'cancelled', reason } });
});
