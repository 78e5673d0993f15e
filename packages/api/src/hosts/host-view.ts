import { parseAttemptId } from '@solstice/common/flow';
import type { HostRecord, Store, WorkerRecord } from '@solstice/common/store';
import type { HostDetailView, HostView, WorkerView } from '../fleet-schemas.js';

export function hostView(host: HostRecord, now: Date): HostView {
  const { stateChange } = host;
  return {
    id: host.id,
    state: host.state,
    ...(stateChange && { stateChange: { ...stateChange, at: stateChange.at.toISOString() } }),
    ...(host.drainUntil && { drainUntil: host.drainUntil.toISOString() }),
    alive: host.alive,
    ...(host.version !== undefined && { version: host.version }),
    capacity: host.capacity,
    reserved: host.reserved,
    pools: host.pools.map(({ name, backend, image, cpus, memoryBytes }) => ({
      name,
      backend,
      ...(image !== undefined && { image }),
      cpus,
      memoryBytes,
    })),
    notes: host.notes,
    ...(host.load && { load: host.load }),
    leaseUntil: host.leaseUntil.toISOString(),
    renewedAt: host.renewedAt.toISOString(),
    leaseAgeMs: Math.max(0, now.getTime() - host.renewedAt.getTime()),
    registeredAt: host.registeredAt.toISOString(),
  };
}

/** With its workers, and what each of them is there for. */
export async function hostDetailView(store: Store, host: HostRecord, now: Date): Promise<HostDetailView> {
  const workers = await store.attempts.workers(host.id);
  const runIds = new Set(workers.flatMap(({ attemptId }) => parseAttemptId(attemptId)?.runId ?? []));
  const numbers = new Map<string, number>();
  for (const id of runIds) {
    const run = await store.runs.find({ id });
    if (run) numbers.set(id, run.number);
  }
  return { ...hostView(host, now), workers: workers.map((worker) => workerView(worker, numbers)) };
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
