import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { systemClock } from '@solstice/common/clock';
import { SolsticeError } from '@solstice/common/errors';
import type { RunSpec } from '@solstice/common/flow';
import { type Claim, createMemoryStore, type Store } from '@solstice/common/store';
import { createLogger, createMetrics, createTracing, type Metrics, type Tracing } from '@solstice/common/telemetry';
import { type OtlpReceiver, startOtlpReceiver } from '@solstice/testing';
import type { Backend } from '@solstice/workers/backends';
import { type BackendFaults, createFakeBackend } from '@solstice/workers/backends/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withAttemptTelemetry } from './with-attempt-telemetry.js';

const pools = [{ name: 'default', backend: 'process' as const, image: undefined, cpus: 1, memoryBytes: 1 }];
const capacity = { cpus: 4, memoryBytes: 2 ** 30, slots: 4 };
const spec: RunSpec = {
  version: 1,
  workflow: { name: 'ci', file: '.solstice/ci.kdl' },
  nodes: [
    {
      kind: 'job',
      id: 'build',
      name: 'Build',
      runsOn: 'default',
      env: { TOKEN: 'hunter2' },
      needs: [],
      steps: [
        { name: 'Compile', env: {}, action: { kind: 'run', script: 'make hunter2' } },
        { name: 'Test', env: {}, action: { kind: 'run', script: 'make test' } },
      ],
    },
  ],
};

let receiver: OtlpReceiver;
let metrics: Metrics;
let tracers: Tracing[];
let plain: Store;
beforeEach(async () => {
  receiver = await startOtlpReceiver();
  metrics = createMetrics({ version: '0', roles: [] });
  tracers = [];
  plain = createMemoryStore({ clock: systemClock, idSource: randomUUID });
});
afterEach(async () => {
  await plain.close();
  await Promise.all(tracers.map((tracing) => tracing.stop()));
  await receiver.close();
});

function tracer(): Tracing {
  const logger = createLogger({ level: 'silent' });
  const tracing = createTracing({ otlpUrl: receiver.url, role: 'orchestrator', logger, sendAfterMs: 10 });
  tracers.push(tracing);
  return tracing;
}

/** What one process of the host has: a store and a backend with its own tracer. */
class Process {
  readonly instance = randomUUID();
  readonly store: Store;
  readonly #backend: Backend;

  constructor(faults: BackendFaults = {}) {
    const backend = createFakeBackend({ hostId: 'alder', faults });
    const measured = withAttemptTelemetry(plain, [backend], { metrics, tracing: tracer() });
    this.store = measured.store;
    this.#backend = measured.backends[0] ?? backend;
  }

  register() {
    const about = { id: 'alder', capacity, pools, notes: [], leaseMs: 30_000 };
    return this.store.hosts.register({ ...about, keyHash: new Uint8Array(32), instance: this.instance });
  }

  async claim(): Promise<Claim> {
    const [requestId, workerId] = [randomUUID(), randomUUID()];
    const tokenHash = createHash('sha256').update(workerId).digest();
    const request = { hostId: 'alder', instance: this.instance, requestId, workerId, tokenHash, pools, capacity };
    const claim = await this.store.attempts.claim(request);
    if (claim === undefined) throw new Error('nothing to claim');
    return claim;
  }

  provision({ workerId, fence }: Claim) {
    const { attemptId, hostId, epoch } = fence;
    const given = {
      token: randomBytes(32),
      sessionDirectory: '/nowhere',
      mirrorDirectory: undefined,
      image: undefined,
    };
    const worker = { workerId, attemptId, hostId, epoch, cpus: 1, memoryBytes: 1, ...given };
    return this.#backend.provision(worker, new AbortController().signal);
  }
}

/** The plan of a run, in a trace of its own. */
async function plan(): Promise<{ traceId: string; spanId: string }> {
  const repository = await plain.repositories.upsert({
    forge: 'code',
    forgeRepositoryId: undefined,
    name: 'octo/app',
    cloneUrl: 'https://mara:hunter2@forge.example/octo/app.git',
    defaultBranch: undefined,
    sealedWebhookSecret: undefined,
    origin: 'settings',
  });
  const span = tracer().span('plan');
  const source = {
    repositoryId: repository.id,
    forge: 'code',
    repositoryName: 'octo/app',
    cloneUrl: repository.cloneUrl,
    ref: 'refs/heads/main',
    commit: 'c'.repeat(40),
    before: undefined,
    title: 'hunter2',
  };
  const run = { runId: randomUUID(), pageKey: randomUUID(), spec, source, trigger: { event: 'push', actor: 'mara' } };
  await plain.runs.plan({
    deliveryId: undefined,
    runs: [{ ...run, checkContext: 'solstice/ci', ...(span.context && { trace: span.context }) }],
    failedChecks: [],
    outcome: { state: 'planned', reason: undefined },
  });
  span.end();
  const { traceId, spanId } = await receiver.until(({ name }) => name === 'plan');
  return { traceId, spanId };
}

const at = (second: number) => new Date(1_700_000_000_000 + second * 1_000);
const started = (seq: number, step: number) => ({ seq, at: at(seq), kind: 'step-started' as const, step });
const finished = (seq: number, step: number, state: 'succeeded' | 'failed') => ({
  ...{ seq, at: at(seq), kind: 'step-finished' as const, step, exitCode: state === 'failed' ? 3 : 0 },
  result:
    state === 'failed' ? { state, cause: { kind: 'exit' as const, step, stepName: 'Test', exitCode: 3 } } : { state },
});
const failure = { state: 'failed' as const, cause: { kind: 'exit' as const, step: 1, stepName: 'Test', exitCode: 3 } };

test('an attempt from its queue to its last step, under the plan of its run', async () => {
  const { traceId, spanId } = await plan();
  const host = new Process();
  await host.register();
  const claim = await host.claim();
  await host.provision(claim);
  await host.store.attempts.start(claim.fence);
  await host.store.attempts.record(claim.fence, [started(1, 0), finished(2, 0, 'succeeded'), started(3, 1)]);
  await host.store.attempts.record(
    claim.fence,
    [finished(7, 1, 'failed')].map((record) => ({ ...record, seq: 4 })),
  );
  await host.store.attempts.finish(claim.fence, failure);
  const named = (wanted: string) => receiver.until(({ name }) => name === wanted);
  const [queue, provision, attempt] = [await named('queue'), await named('provision'), await named('attempt')];
  const [compile, check] = receiver.spans.filter(({ name }) => name === 'step');
  for (const span of receiver.spans) expect(span.traceId).toBe(traceId);
  expect([queue.parentSpanId, attempt.parentSpanId]).toEqual([spanId, spanId]);
  for (const span of [provision, compile, check]) expect(span?.parentSpanId).toBe(attempt.spanId);
  expect(queue.endAt).toEqual(attempt.startAt);
  expect(attempt).toMatchObject({
    failed: true,
    attributes: {
      'cicd.pipeline.name': 'ci',
      'cicd.pipeline.run.id': claim.runId,
      'cicd.pipeline.task.name': 'Build',
      'cicd.pipeline.task.run.id': claim.fence.attemptId,
      'cicd.pipeline.task.run.result': 'failure',
      'cicd.worker.id': claim.workerId,
      'vcs.repository.name': 'app',
      'error.type': 'exit',
    },
  });
  expect(compile).toMatchObject({ startAt: at(1), endAt: at(2), failed: false });
  expect(compile?.attributes).toMatchObject({ 'cicd.pipeline.task.name': 'Compile', 'process.exit.code': 0 });
  expect(check).toMatchObject({ startAt: at(3), endAt: at(7), failed: true });
  expect(JSON.stringify(receiver.spans)).not.toContain('hunter2');
  expect(await metrics.text()).toContain('solstice_worker_provision_seconds_count{backend="process",result="made"} 1');
});

test('a process that adopts the worker ends the attempt and the step that another one began', async () => {
  await plan();
  const first = new Process();
  await first.register();
  const claim = await first.claim();
  await first.provision(claim);
  await first.store.attempts.start(claim.fence);
  await first.store.attempts.record(claim.fence, [started(1, 0)]);
  const second = new Process();
  await second.register();
  const adopted = await second.store.attempts.claimOf(claim.workerId);
  if (adopted === undefined) throw new Error('nothing to adopt');
  await second.store.attempts.record(adopted.fence, [finished(2, 0, 'succeeded')]);
  // What the first still believes changes nothing, in the store or in the trace.
  await expect(first.store.attempts.finish(claim.fence, { state: 'succeeded' })).rejects.toThrow(SolsticeError);
  await second.store.attempts.finish(adopted.fence, { state: 'succeeded' });
  const attempt = await receiver.until(({ name }) => name === 'attempt');
  const step = await receiver.until(({ name }) => name === 'step');
  const provision = await receiver.until(({ name }) => name === 'provision');
  expect(step).toMatchObject({ parentSpanId: attempt.spanId, startAt: at(1), endAt: at(2) });
  expect(provision.parentSpanId).toBe(attempt.spanId);
  expect(attempt.startAt).toEqual(claim.claimedAt);
  await Promise.all(tracers.map((tracing) => tracing.stop()));
  expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['attempt', 'plan', 'provision', 'queue', 'step']);
});

test('a worker that could not be made, and one that was lost, are errors of ours', async () => {
  await plan();
  const fault = new SolsticeError('image-unavailable', 'there is no such image');
  const host = new Process({ provision: () => fault });
  await host.register();
  const claim = await host.claim();
  await expect(host.provision(claim)).rejects.toBe(fault);
  await host.store.attempts.refuse(claim.fence, fault.message, false);
  const attempt = await receiver.until(({ name }) => name === 'attempt');
  expect(attempt.attributes).toMatchObject({ 'cicd.pipeline.task.run.result': 'error', 'error.type': 'refused' });
  expect((await receiver.until(({ name }) => name === 'provision')).failed).toBe(true);
  expect(await metrics.text()).toContain('{backend="process",result="failed"} 1');
});
