import { SolsticeError } from '@solstice/common/errors';
import type { Store } from '@solstice/common/store';
import { afterEach, expect, test, vi } from 'vitest';
import { claimed, control, done, nothingHeld } from '../testing/on-stage.js';
import { planJob } from '../testing/plan-job.js';
import { Stage, withAttempts } from '../testing/stage.js';

let stages: Stage[] = [];
afterEach(async () => {
  for (const stage of stages) await stage.check();
  stages = [];
});

async function stageWith(...options: ConstructorParameters<typeof Stage>): Promise<Stage> {
  const stage = new Stage(...options);
  stages.push(stage);
  await stage.register();
  return stage;
}

test('from the claim to the result; the worker is destroyed and its reservation given back', async () => {
  const stage = await stageWith();
  const runId = await stage.plan();
  const owner = await claimed(stage);
  expect((await owner.assignment())?.jobId).toBe('build');
  expect(await stage.states(runId)).toBe('running: running');
  expect(await owner.record([done])).toEqual({ durableSeq: 1 });
  expect(await stage.states(runId)).toBe('succeeded: succeeded');
  stage.backend.end(stage.backend.provisioned[0]?.workerId ?? '');
  await nothingHeld(stage);
});

test('a worker that dies without a result: lost with its last words, and tried again', async () => {
  const stage = await stageWith();
  const runId = await stage.plan();
  const owner = await claimed(stage);
  await owner.assignment();
  stage.backend.end(stage.backend.provisioned[0]?.workerId ?? '', {
    kind: 'exited',
    exitCode: 70,
    signal: undefined,
    outOfMemory: false,
    lastOutput: 'it broke',
  });
  await nothingHeld(stage);
  const [first, second] = (await stage.run(runId)).nodes[0]?.attempts ?? [];
  expect(first?.state).toBe('lost');
  expect(first?.cause).toMatchObject({ kind: 'lost', detail: expect.stringContaining('it broke') });
  expect(second?.state).toBe('queued');
});

test('out of memory is told as such, and is the job’s own failure', async () => {
  const stage = await stageWith();
  const runId = await stage.plan();
  const owner = await claimed(stage);
  await owner.assignment();
  stage.backend.end(stage.backend.provisioned[0]?.workerId ?? '', {
    kind: 'exited',
    exitCode: 137,
    signal: undefined,
    outOfMemory: true,
    lastOutput: '',
  });
  await nothingHeld(stage);
  expect((await stage.run(runId)).nodes[0]?.cause).toEqual({ kind: 'out-of-memory' });
});

test('an image that is not to be had fails the job at once, with the reason', async () => {
  const stage = await stageWith({
    faults: { provision: () => new SolsticeError('image-unavailable', 'no such image: nosuch:1') },
  });
  const runId = await stage.plan('nosuch:1');
  await stage.claimer.look();
  await nothingHeld(stage);
  expect(await stage.states(runId)).toBe('failed: refused');
  expect((await stage.run(runId)).nodes[0]?.cause).toMatchObject({ detail: 'no such image: nosuch:1' });
});

test('outputs and a failure for good go from the runner’s last word to the node', async () => {
  const stage = await stageWith();
  const runId = await planJob(stage.store, { retry: { times: 2, on: ['failed'] } });
  const owner = await claimed(stage);
  await owner.assignment();
  const cause = { kind: 'user', reason: 'no disk left' } as const;
  await owner.record([{ ...done, result: { state: 'failed', cause, outputs: { version: '1.2' }, final: true } }]);
  expect(await stage.states(runId)).toBe('failed: failed');
  expect((await stage.run(runId)).nodes[0]).toMatchObject({ cause, outputs: { version: '1.2' } });
});

test('steps of catch and finally are steps like any other: the runner names them by number', async () => {
  const stage = await stageWith();
  const one = { name: 'Cores', env: {}, action: { kind: 'run', script: 'cores' } } as const;
  const runId = await planJob(stage.store, { catch: [one], finally: [{ ...one, name: 'Stop' }] });
  const owner = await claimed(stage);
  expect(owner.stepNames).toEqual(['Make', 'catch: Cores', 'finally: Stop']);
  await owner.assignment();
  await owner.record([{ seq: 1, at: new Date(), kind: 'step-started', step: 2 }]);
  const steps = (await stage.run(runId)).nodes[0]?.attempts[0]?.steps;
  expect(steps?.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'Make waiting',
    'catch: Cores waiting',
    'finally: Stop running',
  ]);
});

test('a runner of an older version gets no job that it would leave half of out; another worker does', async () => {
  const stage = await stageWith();
  const runId = await planJob(stage.store, { silenceMs: 60_000 });
  const owner = await claimed(stage);
  owner.connected(control(), { watchdog: true, policies: false, conditions: false });
  expect(await owner.assignment()).toBeUndefined();
  await nothingHeld(stage);
  expect(await stage.states(runId)).toBe('queued: lost, queued');
});

test('a runner of an older version gets a job that is as jobs were before', async () => {
  const stage = await stageWith();
  const runId = await stage.plan();
  const owner = await claimed(stage);
  owner.connected(control(), { watchdog: true, policies: false, conditions: false });
  expect((await owner.assignment())?.jobId).toBe('build');
  expect(await stage.states(runId)).toBe('running: running');
});

test('a cancel before the runner has said a word: no assignment, terminal, gone', async () => {
  const stage = await stageWith();
  const runId = await stage.plan();
  const owner = await claimed(stage);
  await stage.store.runs.command(runId, { kind: 'cancel', by: 'ada', reason: 'typo' });
  for (const { attemptId, ...cancel } of await stage.store.attempts.cancelRequested('alder')) {
    stage.attempts.cancel(attemptId, cancel);
  }
  expect(await owner.assignment()).toBeUndefined();
  await nothingHeld(stage);
  expect(await stage.states(runId)).toBe('cancelled: cancelled');
});

test('a cancel in the middle reaches the runner, also one that connects later; the result says by whom', async () => {
  const stage = await stageWith();
  const runId = await stage.plan();
  const owner = await claimed(stage);
  await owner.assignment();
  await stage.store.runs.command(runId, { kind: 'cancel', by: 'ada', reason: 'typo' });
  const [wanted] = await stage.store.attempts.cancelRequested('alder');
  stage.attempts.cancel(wanted?.attemptId ?? '', { by: 'ada', reason: 'typo' });
  const runner = control();
  owner.connected(runner, { watchdog: true, policies: true, conditions: true });
  expect(runner.said).toEqual(['cancel typo']);
  await owner.record([
    { ...done, result: { state: 'cancelled', cause: { kind: 'cancelled', by: 'unknown', reason: 'typo' } } },
  ]);
  const attempt = (await stage.run(runId)).nodes[0]?.attempts[0];
  expect(attempt?.state).toBe('cancelled');
  expect(attempt?.cause).toMatchObject({ kind: 'cancelled', by: 'ada', reason: 'typo' });
  stage.backend.end(stage.backend.provisioned[0]?.workerId ?? '');
  await nothingHeld(stage);
});

test('a comparison of host and store while a claim is on its way back does not take its worker for gone', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slowAnswers = (store: Store) =>
    withAttempts(store, (attempts) => ({
      claim: async (request) => {
        const claim = await attempts.claim(request);
        if (claim) await held;
        return claim;
      },
    }));
  const stage = await stageWith({ wrap: slowAnswers });
  const runId = await stage.plan();
  const looking = stage.claimer.look();
  await vi.waitFor(async () => expect(await stage.store.attempts.workers('alder')).toHaveLength(1));
  await stage.reconcile();
  expect(await stage.states(runId)).toBe('queued: claimed');
  release();
  await looking;
  expect(stage.attempts.holding()).toHaveLength(1);
});

test('a result is stored although the store is away for a while', async () => {
  let failures = 2;
  const flaky = (store: Store) =>
    withAttempts(store, (attempts) => ({
      finish: async (...request) => {
        if (failures-- > 0) throw new SolsticeError('database-unavailable', 'away');
        return attempts.finish(...request);
      },
    }));
  const stage = await stageWith({ wrap: flaky });
  const runId = await stage.plan();
  const owner = await claimed(stage);
  await owner.assignment();
  await owner.record([done]);
  expect(await stage.states(runId)).toBe('succeeded: succeeded');
});

test('the next process of the host takes the worker over, and the same attempt goes on', async () => {
  const before = await stageWith();
  const runId = await before.plan();
  const owner = await claimed(before);
  await owner.assignment();
  await owner.record([{ seq: 1, at: new Date(), kind: 'log', step: 0, stream: 'stdout', data: Buffer.from('a') }]);
  await before.attempts.leave();

  const after = await stageWith({ store: before.store, machine: before.machine });
  await after.reconcile();
  const again = await after.dial(before.backend.provisioned[0]);
  expect(again?.durableSeq).toBe(1);
  // The first process has let go: it neither stores nor acknowledges, or the result would be lost.
  await expect(owner.record([{ ...done, seq: 2 }])).rejects.toThrow('let go');
  expect(await after.states(runId)).toBe('running: running');
  await again?.record([{ ...done, seq: 2 }]);
  expect(await after.states(runId)).toBe('succeeded: succeeded');
});

test('after a restart: an attempt without a worker is lost, a worker without an attempt is destroyed', async () => {
  const before = await stageWith();
  const runId = await before.plan();
  const owner = await claimed(before);
  await owner.assignment();
  await before.attempts.leave();
  const [spec] = before.backend.provisioned;
  before.machine.workers.clear();
  await before.backend.provision(
    { ...(spec as NonNullable<typeof spec>), workerId: 'stray' },
    new AbortController().signal,
  );

  const after = await stageWith({ store: before.store, machine: before.machine });
  await after.reconcile();
  expect(await after.states(runId)).toBe('running: lost, queued');
  await nothingHeld(after);
});

test('what another process has under the host’s name is neither taken over nor lost', async () => {
  const before = await stageWith();
  const runId = await before.plan();
  const owner = await claimed(before);
  await owner.assignment();
  await before.attempts.leave();
  const after = await stageWith({ store: before.store, machine: before.machine });
  await after.reconcile();
  const stranger = new Stage({ store: before.store });
  await expect(stranger.reconcile()).rejects.toMatchObject({ code: 'host-replaced' });
  expect(await before.states(runId)).toBe('running: running');
});

test('a runner with another secret than the first one is refused, and so is one of an unknown worker', async () => {
  const stage = await stageWith();
  await stage.plan();
  await claimed(stage);
  const [spec] = stage.backend.provisioned;
  const stranger = { tokenHash: new Uint8Array(32), sessionHash: new Uint8Array(32) };
  expect(await stage.attempts.open({ workerId: spec?.workerId ?? '', ...stranger })).toBeUndefined();
  expect(await stage.attempts.open({ workerId: 'nobody', ...stranger })).toBeUndefined();
});
