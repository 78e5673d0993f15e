import type { CancelIntent } from '../../flow/index.js';
import type { CancelWish, Fence, PoolOffer, WorkerRecord } from '../port/index.js';
import { type ClaimedWorker, cancelWishOf } from '../projection/index.js';
import { offerOf } from './hosts.js';
import { type Queryable, row } from './queryable.js';

export interface NewWorker extends ClaimedWorker {
  tokenHash: Uint8Array;
}

/** The reservation and the right to write. */
export async function insertWorker(tx: Queryable, worker: NewWorker): Promise<void> {
  const { attemptId, hostId, instance, epoch } = worker.fence;
  await tx.rows(
    `insert into workers (id, host_id, attempt_id, instance, epoch, pool_offer, cpus, memory_bytes, token_hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      worker.id,
      hostId,
      attemptId,
      instance,
      epoch,
      JSON.stringify(worker.offer),
      worker.resources.cpus,
      worker.resources.memoryBytes,
      Buffer.from(worker.tokenHash),
    ],
  );
  await tx.rows('insert into leases (attempt_id, host_id, instance, epoch) values ($1, $2, $3, $4)', [
    attemptId,
    hostId,
    instance,
    epoch,
  ]);
}

export interface WorkerRow extends ClaimedWorker {
  /** Its attempt has a lease. */
  live: boolean;
}

interface RawWorkerRow {
  id: string;
  host_id: string;
  attempt_id: string;
  instance: string;
  epoch: number;
  pool_offer: PoolOffer;
  cpus: number;
  memory_bytes: number;
  live: boolean;
}

const columns = `w.id, w.host_id, w.attempt_id, w.instance, w.epoch, w.pool_offer, w.cpus, w.memory_bytes,
  exists (select from leases l where l.attempt_id = w.attempt_id) as live`;

function workerOf(found: RawWorkerRow): WorkerRow {
  return {
    id: found.id,
    fence: {
      attemptId: found.attempt_id,
      hostId: found.host_id,
      instance: found.instance,
      epoch: found.epoch,
    },
    offer: offerOf(found.pool_offer),
    resources: { cpus: found.cpus, memoryBytes: found.memory_bytes },
    live: found.live,
  };
}

export async function readWorker(db: Queryable, id: string): Promise<WorkerRow | undefined> {
  const found = await row<RawWorkerRow>(db, `select ${columns} from workers w where w.id = $1`, [id]);
  return found && workerOf(found);
}

/** The worker that an attempt has, or had. */
export async function readWorkerOfAttempt(db: Queryable, attemptId: string): Promise<WorkerRow | undefined> {
  const found = await row<RawWorkerRow>(db, `select ${columns} from workers w where w.attempt_id = $1`, [attemptId]);
  return found && workerOf(found);
}

export async function listWorkers(db: Queryable, hostId: string): Promise<WorkerRecord[]> {
  const rows = await db.rows<RawWorkerRow>(`select ${columns} from workers w where w.host_id = $1 order by w.id`, [
    hostId,
  ]);
  return rows.map(workerOf).map(({ id, fence, offer, live }) => ({
    id,
    hostId: fence.hostId,
    attemptId: fence.attemptId,
    pool: offer.name,
    attemptLive: live,
    epoch: live ? fence.epoch : undefined,
  }));
}

export async function deleteWorker(tx: Queryable, id: string): Promise<void> {
  await tx.rows('delete from workers where id = $1', [id]);
}

export async function deleteWorkersOf(tx: Queryable, hostId: string): Promise<void> {
  await tx.rows('delete from workers where host_id = $1', [hostId]);
}

/** Compare-and-set: the first session of a live worker with this token, or the same one again. */
export async function bindSession(
  db: Queryable,
  workerId: string,
  tokenHash: Uint8Array,
  sessionHash: Uint8Array,
): Promise<boolean> {
  const bound = await db.rows(
    `update workers w set session_hash = $3
     where w.id = $1 and w.token_hash = $2 and (w.session_hash is null or w.session_hash = $3)
       and exists (select from leases l where l.attempt_id = w.attempt_id)
     returning w.id`,
    [workerId, Buffer.from(tokenHash), Buffer.from(sessionHash)],
  );
  return bound.length === 1;
}

/**
 * Does this fence hold? Locks its lease until the end of the transaction: `share` for a write beside others, `update`
 * for the end of the attempt.
 */
export async function lockLease(tx: Queryable, fence: Fence, lock: 'share' | 'update'): Promise<boolean> {
  const found = await tx.rows(
    `select attempt_id from leases
     where attempt_id = $1 and host_id = $2 and instance = $3 and epoch = $4
     for ${lock === 'share' ? 'share' : 'update'}`,
    [fence.attemptId, fence.hostId, fence.instance, fence.epoch],
  );
  return found.length === 1;
}

export async function deleteLeases(tx: Queryable, attemptIds: readonly string[]): Promise<void> {
  if (attemptIds.length === 0) return;
  await tx.rows('delete from leases where attempt_id = any($1::text[])', [attemptIds]);
}

export async function leasedAttempts(db: Queryable, hostId: string): Promise<string[]> {
  const rows = await db.rows<{ attempt_id: string }>(
    'select attempt_id from leases where host_id = $1 order by attempt_id',
    [hostId],
  );
  return rows.map(({ attempt_id }) => attempt_id);
}

/** The new process may write for what its predecessor had; the predecessor no longer may. */
export async function adoptLeases(tx: Queryable, hostId: string, instance: string): Promise<void> {
  await tx.rows(
    `with adopted as (
       update leases set instance = $2, epoch = epoch + 1 where host_id = $1 returning attempt_id, instance, epoch
     )
     update workers w set instance = a.instance, epoch = a.epoch from adopted a where w.attempt_id = a.attempt_id`,
    [hostId, instance],
  );
}

/** Live attempts of a host that somebody wishes to cancel. */
export async function readCancels(db: Queryable, hostId: string): Promise<({ attemptId: string } & CancelWish)[]> {
  const rows = await db.rows<{ id: string; cancel_requested: CancelIntent }>(
    `select a.id, a.cancel_requested from leases l join attempts a on a.id = l.attempt_id
     where l.host_id = $1 and a.cancel_requested is not null
     order by a.id`,
    [hostId],
  );
  return rows.map(({ id, cancel_requested }) => ({ attemptId: id, ...cancelWishOf(cancel_requested) }));
}
