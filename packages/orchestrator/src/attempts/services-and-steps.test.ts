import { SolsticeError } from '@solstice/common/errors';
import type { JobSpec } from '@solstice/common/flow';
import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { claimed, control, done, nothingHeld } from '../testing/on-stage.js';
import { planJob } from '../testing/plan-job.js';
import { Stage } from '../testing/stage.js';

// What a job of protocol 1.3 asks of its host: conditions and deadlines of steps, services, words for what was in the way.

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

const make = { name: 'Make', env: {}, action: { kind: 'run', script: 'make' } } as const;

test.each<[string, Partial<JobSpec>]>([
  ['a condition', { steps: [{ ...make, when: "branch == 'main'" }] }],
  ['a deadline', { steps: [make], finally: [{ ...make, deadlineMs: 60_000 }] }],
])('a runner of protocol 1.2 gets no job with %s of a step', async (_, more) => {
  const stage = await stageWith();
  const runId = await planJob(stage.store, more);
  const owner = await claimed(stage);
  owner.connected(control(), { watchdog: true, policies: true, conditions: false });
  expect(await owner.assignment()).toBeUndefined();
  await nothingHeld(stage);
  expect(await stage.states(runId)).toBe('queued: lost, queued');
  const [lost] = (await stage.run(runId)).nodes[0]?.attempts ?? [];
  expect(lost?.cause).toMatchObject({ kind: 'lost', detail: expect.stringContaining('of an older version') });
});

test('what conditions of steps may read goes with the claim, and how long steps ran in earlier attempts', async () => {
  const stage = await stageWith();
  const retry = { times: 1, on: ['failed'] };
  const steps = [
    { ...make, when: "runs_on == 'default' && changed('src/**')" },
    { ...make, name: 'Slow', deadlineMs: 60_000 },
  ];
  const runId = await planJob(stage.store, { steps, retry: { ...retry, backoff: { minMs: 0, maxMs: 0 } } });
  const first = await claimed(stage);
  const assignment = await first.assignment();
  expect(JSON.parse(assignment?.conditionContext ?? '')).toMatchObject({ runs_on: 'default' });
  expect(assignment?.steps.map(({ when, deadlineMs, deadlineLimitMs }) => [when, deadlineMs, deadlineLimitMs])).toEqual(
    [
      ["runs_on == 'default' && changed('src/**')", 0n, 0n],
      ['', 60_000n, 60_000n],
    ],
  );
  const cause = { kind: 'exit', step: 1, stepName: 'Slow', exitCode: 3 } as const;
  const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1_000);
  await first.record([
    { seq: 1, at: at(0), kind: 'step-skipped', step: 0 },
    { seq: 2, at: at(0), kind: 'step-started', step: 1 },
    { seq: 3, at: at(45), kind: 'step-finished', step: 1, result: { state: 'failed', cause }, exitCode: 3 },
  ]);
  expect((await stage.run(runId)).nodes[0]?.attempts[0]?.steps.map(({ state }) => state)).toEqual([
    'skipped',
    'failed',
  ]);
  await first.record([{ ...done, seq: 4, result: { state: 'failed', cause } }]);
  stage.backend.end(stage.backend.provisioned[0]?.workerId ?? '');
  await nothingHeld(stage);

  await stage.claimer.look();
  await vi.waitFor(() => expect(stage.backend.provisioned).toHaveLength(2));
  const second = await (await stage.dial())?.assignment();
  expect(second?.steps.map(({ deadlineMs }) => deadlineMs)).toEqual([0n, 15_000n]);
});

describe('services', () => {
  const services = [{ name: 'db', image: 'postgres:16', env: {} }];
  const failure = { name: 'db', detail: 'ended with exit code 1', output: ['no space'], ended: true };
  const started = async () => {
    const stage = await stageWith({ poolBackend: 'container' });
    const runId = await planJob(stage.store, { services });
    const owner = await claimed(stage);
    const runner = control();
    owner.connected(runner, { watchdog: true, policies: true, conditions: true });
    const watched = () => stage.machine.workers.get(stage.backend.provisioned[0]?.workerId ?? '')?.services;
    return { stage, runId, owner, runner, watched };
  };

  it('are made with the worker, and the runner hears when they are ready, on every stream', async () => {
    const { stage, owner, runner, watched } = await started();
    expect(stage.backend.provisioned[0]?.services).toEqual(services);
    expect((await owner.assignment())?.services).toEqual(['db']);
    expect(runner.said).toEqual([]);
    watched()?.onReady();
    expect(runner.said).toEqual(['ready']);
    owner.disconnected();
    const next = control();
    owner.connected(next, { watchdog: true, policies: true, conditions: true });
    expect(next.said).toEqual(['ready']);
  });

  it('that fail are told to the runner, also to one that comes later; its word is the result', async () => {
    const { stage, runId, owner, runner, watched } = await started();
    await owner.assignment();
    owner.disconnected();
    watched()?.onFailed(failure);
    expect(runner.said).toEqual([]);
    const next = control();
    owner.connected(next, { watchdog: true, policies: true, conditions: true });
    expect(next.said).toEqual(['db ended with exit code 1']);
    const cause = { kind: 'service', name: 'db', detail: 'ended with exit code 1: no space' } as const;
    await owner.record([{ ...done, result: { state: 'failed', cause } }]);
    expect((await stage.run(runId)).nodes[0]).toMatchObject({ state: 'failed', cause });
    expect(watched()).toBeUndefined();
  });

  it('that end are told also when one was said not to be ready, which a runner does not hear once its steps run', async () => {
    const { owner, runner, watched } = await started();
    await owner.assignment();
    const events = watched();
    events?.onFailed({ ...failure, detail: 'was not ready within 1 min', ended: false });
    events?.onFailed(failure);
    expect(runner.said).toEqual(['db was not ready within 1 min', 'db ended with exit code 1']);
    owner.disconnected();
    const next = control();
    owner.connected(next, { watchdog: true, policies: true, conditions: true });
    expect(next.said).toEqual(['db ended with exit code 1']);
    await owner.record([done]);
    const before = [...next.said];
    events?.onFailed({ ...failure, name: 'cache' });
    expect(next.said).toEqual(before);
  });

  it('are not for a runner that would not wait for them', async () => {
    const { stage, runId, owner } = await started();
    owner.connected(control(), { watchdog: true, policies: true, conditions: false });
    expect(await owner.assignment()).toBeUndefined();
    await nothingHeld(stage);
    expect(await stage.states(runId)).toBe('queued: lost, queued');
  });

  it('keep a job from a pool of processes, and it says so', async () => {
    const stage = await stageWith();
    const runId = await planJob(stage.store, { services });
    await stage.claimer.look();
    expect((await stage.run(runId)).nodes[0]?.waitingFor).toContain(
      'host alder runs processes in pool default, and the services of the job need containers',
    );
    expect(stage.backend.provisioned).toEqual([]);
  });
});

test.each([
  ['image-unavailable', 'no-image'],
  ['host-full', 'no-capacity'],
  ['backend-unavailable', 'unreachable'],
  ['worker-failed', undefined],
] as const)('a worker that was not made because of %s is told as %s', async (code, problem) => {
  const stage = await stageWith({ faults: { provision: () => new SolsticeError(code, 'the words of the backend') } });
  const runId = await stage.plan();
  await stage.claimer.look();
  await nothingHeld(stage);
  const [refused] = (await stage.run(runId)).nodes[0]?.attempts ?? [];
  expect(refused).toMatchObject({ state: 'refused', cause: { detail: 'the words of the backend' } });
  expect(refused?.cause?.kind === 'refused' && refused.cause.problem).toBe(problem);
});
