import type { AttemptStore, Claim } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { Backend, Worker } from '@solstice/workers/backends';

export interface AdoptionDependencies {
  store: AttemptStore;
  hostId: string;
  backends: readonly Backend[];
  logger: Logger;
  attempts: { knowsWorker(workerId: string): boolean; adopt(claim: Claim, worker: Worker): Promise<void> };
  /** Undefined before the first claim. A worker that is being claimed has a row, and no more yet. */
  claimer: { isAsking(workerId: string): boolean } | undefined;
}

/**
 * Brings what is on the host and what the store says of it together: workers of live attempts are taken over,
 * attempts without a worker are lost, workers without an attempt are destroyed and their reservations given back.
 * Run at start, before runners can connect, and again as a sweep; it never touches a worker that this process knows.
 */
export async function reconcileWorkers(dependencies: AdoptionDependencies): Promise<void> {
  const { store, hostId, backends, logger, attempts, claimer } = dependencies;
  const knowsWorker = (id: string) => attempts.knowsWorker(id) || claimer?.isAsking(id) === true;
  // The host is read first: a worker that is made in between has a row by then, and is known.
  const onHost = new Map<string, Worker>();
  for (const backend of backends) {
    for (const worker of await backend.list()) onHost.set(worker.id, worker);
  }
  const rows = await store.workers(hostId);
  const inStore = new Set(rows.map((row) => row.id));

  for (const row of rows) {
    if (knowsWorker(row.id)) continue;
    const worker = onHost.get(row.id);
    const claim = row.attemptLive ? await store.claimOf(row.id) : undefined;
    if (claim && worker) {
      logger.info({ attemptId: row.attemptId, workerId: row.id }, 'worker taken over');
      await attempts.adopt(claim, worker);
      continue;
    }
    if (claim) {
      logger.warn({ attemptId: row.attemptId, workerId: row.id }, 'no worker on this host; its attempt is lost');
      await store.lose(claim.fence, 'its worker was not there any more when the orchestrator came back');
    }
    await worker?.destroy();
    await store.releaseWorker(row.id);
  }
  for (const [id, worker] of onHost) {
    if (inStore.has(id) || knowsWorker(id)) continue;
    logger.warn({ workerId: id }, 'a worker that the store does not know is destroyed');
    await worker.destroy();
  }
}
