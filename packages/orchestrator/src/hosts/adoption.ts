import { SolsticeError } from '@solstice/common/errors';
import type { AttemptStore, Claim, WorkerRecord } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { Backend, Worker } from '@solstice/workers/backends';

export interface AdoptionDependencies {
  store: AttemptStore;
  hostId: string;
  /** Of this process: what another instance has under the host's name is not touched. */
  instance: string;
  backends: readonly Backend[];
  logger: Logger;
  attempts: { knowsWorker(workerId: string): boolean; adopt(claim: Claim, worker: Worker): Promise<void> };
  /** Undefined before the first claim. A worker that is being claimed has a row, and no more yet. */
  claimer: { isAsking(workerId: string): boolean } | undefined;
}

/**
 * Brings what is on the host and what the store says of it together: workers of live attempts are taken over,
 * attempts without a worker are lost, workers without an attempt are destroyed and their reservations given back.
 * Run at start, before runners can connect, and again as a sweep, one at a time, and only by a process that is sure of
 * its lease; it never touches a worker that this process knows. One worker that can't be dealt with doesn't keep the
 * others waiting.
 *
 * Rejects, at the end, with the first error that kept a live attempt from being dealt with: its runner would find nobody
 * who knows it. Resolves with the first that kept what is over from being cleared away: that hurts nobody who waits.
 */
export async function reconcileWorkers(dependencies: AdoptionDependencies): Promise<{ leftBehind?: unknown }> {
  const { store, hostId, backends, logger, attempts, claimer } = dependencies;
  const knowsWorker = (id: string) => attempts.knowsWorker(id) || claimer?.isAsking(id) === true;
  const failures: unknown[] = [];
  const leftovers: unknown[] = [];
  const collectIn = (errors: unknown[]) => (error: unknown) => void errors.push(error);
  // The host is read first: a worker that is made in between has a row by then, and is known.
  const onHost = new Map<string, Worker>();
  for (const backend of backends) {
    for (const worker of await backend.list()) onHost.set(worker.id, worker);
  }
  const rows = await store.workers(hostId);
  const inStore = new Set(rows.map((row) => row.id));

  for (const row of rows) {
    if (knowsWorker(row.id)) continue;
    const errors = row.attemptLive ? failures : leftovers;
    await reconcileRow(row, onHost.get(row.id), dependencies).catch(collectIn(errors));
  }
  for (const [id, worker] of onHost) {
    if (inStore.has(id) || knowsWorker(id)) continue;
    logger.warn({ workerId: id }, 'a worker that the store does not know is destroyed');
    await worker.destroy().catch(collectIn(leftovers));
  }
  if (failures.length > 0) throw failures[0];
  return leftovers.length === 0 ? {} : { leftBehind: leftovers[0] };
}

async function reconcileRow(
  row: WorkerRecord,
  worker: Worker | undefined,
  { store, hostId, instance, logger, attempts }: AdoptionDependencies,
): Promise<void> {
  const about = { attemptId: row.attemptId, workerId: row.id };
  const claim = row.attemptLive ? await store.claimOf(row.id) : undefined;
  if (claim && claim.fence.instance !== instance) {
    throw new SolsticeError('host-replaced', `host ${hostId} belongs to another process`);
  }
  if (claim && worker) {
    logger.info(about, 'worker taken over');
    await attempts.adopt(claim, worker);
    return;
  }
  if (claim) {
    logger.warn(about, 'no worker on this host; its attempt is lost');
    await store.lose(claim.fence, 'its worker was not there any more when the orchestrator came back');
  }
  await worker?.destroy();
  await store.releaseWorker(row.id);
}
