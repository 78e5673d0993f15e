import { SolsticeError } from '@solstice/common/errors';
import { isRefusal, parseAttemptId } from '@solstice/common/flow';
import type { AttemptStore, Claim, Fence, RunnerRecord, Store } from '@solstice/common/store';
import type { Metrics, Tracing } from '@solstice/common/telemetry';
import type { Backend } from '@solstice/workers/backends';
import { AttemptTrace } from './attempt-trace.js';

export interface AttemptTelemetry {
  metrics?: Pick<Metrics, 'observe'>;
  tracing: Tracing;
}

/**
 * The store and the backends of a host, measured: what an orchestrator asks of them tells all there is to tell of an
 * attempt, so that the orchestrator itself need not know. Put on once, before it is started.
 */
export function withAttemptTelemetry(
  store: Store,
  backends: readonly Backend[],
  telemetry: AttemptTelemetry,
): { store: Store; backends: Backend[] } {
  const traces = new Map<string, AttemptTrace>();
  const attempts = tracedAttempts(store, traces, telemetry.tracing);
  return {
    store: new Proxy(store, { get: (target, name) => (name === 'attempts' ? attempts : memberOf(target, name)) }),
    backends: backends.map((backend) => measuredBackend(backend, traces, telemetry)),
  };
}

function tracedAttempts(store: Store, traces: Map<string, AttemptTrace>, tracing: Tracing): AttemptStore {
  const inner = store.attempts;
  const begin = (claim: Claim | undefined): AttemptTrace | undefined => {
    if (claim === undefined) return undefined;
    const { attemptId } = claim.fence;
    const trace = traces.get(attemptId) ?? new AttemptTrace(tracing, claim);
    traces.set(attemptId, trace);
    return trace;
  };
  const end = (attemptId: string, ...how: Parameters<AttemptTrace['ended']>): void => {
    traces.get(attemptId)?.ended(...how);
    traces.delete(attemptId);
  };
  const forgotten = async <T>(fence: Fence, call: Promise<T>): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      // Taken by another: whoever has it now tells how it ended.
      if (error instanceof SolsticeError && error.code === 'fence-lost') traces.delete(fence.attemptId);
      throw error;
    }
  };
  const own: Partial<AttemptStore> = {
    claim: async (request) => {
      const claim = await inner.claim(request);
      const trace = begin(claim);
      if (claim?.repeated === false) trace?.queued();
      return claim;
    },
    claimOf: async (workerId) => {
      const claim = await inner.claimOf(workerId);
      begin(claim);
      return claim;
    },
    record: async (fence, records) => {
      const answer = await forgotten(fence, inner.record(fence, records));
      const trace = traces.get(fence.attemptId);
      if (trace !== undefined) for (const record of records) tellStep(store, fence.attemptId, trace, record);
      return answer;
    },
    finish: async (fence, result) => {
      const outcome = await forgotten(fence, inner.finish(fence, result));
      if (!isRefusal(outcome)) end(fence.attemptId, result.state, result.cause?.kind);
      return outcome;
    },
    refuse: async (fence, detail, retryable, problem) => {
      const outcome = await forgotten(fence, inner.refuse(fence, detail, retryable, problem));
      if (!isRefusal(outcome)) end(fence.attemptId, 'refused', 'refused');
      return outcome;
    },
    lose: async (fence, detail) => {
      const outcome = await forgotten(fence, inner.lose(fence, detail));
      if (!isRefusal(outcome)) end(fence.attemptId, 'lost', 'lost');
      return outcome;
    },
  };
  own.releaseWorker = async (workerId) => {
    await inner.releaseWorker(workerId);
    for (const [attemptId, trace] of traces) if (trace.workerId === workerId) traces.delete(attemptId);
  };
  return new Proxy(inner, { get: (target, name) => Reflect.get(own, name) ?? memberOf(target, name) });
}

function tellStep(store: Store, attemptId: string, trace: AttemptTrace, record: RunnerRecord): void {
  if (record.kind === 'step-started') return trace.stepStarted(record.step, record.at);
  if (record.kind !== 'step-finished') return;
  const began = trace.stepBegan(record.step);
  if (began !== undefined) return trace.stepFinished(record, began);
  // It began when another process had this host: the store knows. Beside the records, which must not wait for it.
  store.runs.find({ id: parseAttemptId(attemptId)?.runId ?? '' }).then(
    (run) => {
      const attempt = run?.nodes.flatMap(({ attempts }) => attempts).find(({ id }) => id === attemptId);
      const stored = attempt?.steps.find(({ index }) => index === record.step)?.startedAt;
      trace.stepFinished(record, stored ?? record.at);
    },
    () => trace.stepFinished(record, record.at),
  );
}

function measuredBackend(backend: Backend, traces: Map<string, AttemptTrace>, telemetry: AttemptTelemetry): Backend {
  const provision: Backend['provision'] = async (spec, signal) => {
    const beganMs = performance.now();
    const span = traces.get(spec.attemptId)?.provision(backend.kind);
    let result = 'made';
    try {
      return await backend.provision(spec, signal);
    } catch (error) {
      result = signal.aborted ? 'cancelled' : 'failed';
      throw error;
    } finally {
      const seconds = (performance.now() - beganMs) / 1_000;
      telemetry.metrics?.observe('solstice_worker_provision_seconds', { backend: backend.kind, result }, seconds);
      span?.end({ errorType: result === 'failed' ? 'refused' : undefined });
    }
  };
  return new Proxy(backend, {
    get: (target, name) => (name === 'provision' ? provision : memberOf(target, name)),
  });
}

function memberOf(target: object, name: string | symbol): unknown {
  const own: unknown = Reflect.get(target, name, target);
  return typeof own === 'function' ? own.bind(target) : own;
}
