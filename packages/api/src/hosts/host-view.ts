import { parseAttemptId } from '@solstice/common/flow';
import type { HostRecord, Store, WorkerRecord } from '@solstice/common/store';
import type { HostDetailView, HostView, WorkerView } from '../fleet-schemas.js';

export function hostView(host: HostRecord): HostView {
  const { stateChange } = host;
  return {
    id: host.id,
    state: host.state,
    ...(stateChange && { stateChange: { ...stateChange, at: stateChange.at.toISOString() } }),
    ...(host.drainUntil && { drainUntil: host.drainUntil.toISOString() }),
    alive: host.alive,
    ...(host.version !== undefined && { version: host.version }),
    ...(host.machine !== undefined && { machine: host.machine }),
    capacity: host.capacity,
    reserved: host.reserved,
    pools: host.pools.map(({ name, backend, image, cpus, memoryBytes, trustedOnly }) => ({
      name,
      backend,
      ...(image !== undefined && { image }),
      cpus,
      memoryBytes,
      ...(trustedOnly && { trustedOnly }),
    })),
    notes: host.notes,
    ...(host.load && { load: host.load }),
    leaseUntil: host.leaseUntil.toISOString(),
    renewedAt: host.renewedAt.toISOString(),
    leaseAgeMs: host.renewalAgeMs,
    registeredAt: host.registeredAt.toISOString(),
  };
}

/** With its workers, and what each of them is there for. */
export async function hostDetailView(store: Store, host: HostRecord): Promise<HostDetailView> {
  const workers = await store.attempts.workers(host.id);
  const runIds = new Set(workers.flatMap(({ attemptId }) => parseAttemptId(attemptId)?.runId ?? []));
  const numbers = new Map<string, number>();
  for (const id of runIds) {
    const run = await store.runs.find({ id });
    if (run) numbers.set(id, run.number);
  }
  const views = workers.map((worker) => workerView(worker, numbers)).sort(byRunAndJob);
  return { ...hostView(host), workers: views };
}

function byRunAndJob(one: WorkerView, other: WorkerView): number {
  if (one.run !== other.run) return (one.run ?? 0) - (other.run ?? 0);
  return one.attemptId < other.attemptId ? -1 : one.attemptId > other.attemptId ? 1 : 0;
}

function workerView(worker: WorkerRecord, runNumbers: ReadonlyMap<string, number>): WorkerView {
  const attempt = parseAttemptId(worker.attemptId);
  const run = runNumbers.get(attempt?.runId ?? '');
  return {
    id: worker.id,
    pool: worker.pool,
    attemptId: worker.attemptId,
    live: worker.attemptLive,
    ...(run !== undefined && { run }),
    ...(attempt && { job: attempt.nodeId, attempt: attempt.number }),
  };
}
