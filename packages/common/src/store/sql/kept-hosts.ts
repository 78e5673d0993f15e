import type { KeptRow, Needs } from '../projection/index.js';
import type { Queryable } from './queryable.js';

/** With the place in the queue that its attempt has. */
export interface StoredKept extends KeptRow {
  runId: string;
  ordinal: number;
}

/** All, also those that do not count any more: see `keptOf`. */
export async function readKept(db: Queryable): Promise<StoredKept[]> {
  const rows = await db.rows<{
    host_id: string;
    attempt_id: string;
    since: Date;
    queued: boolean;
    needs: string;
    run_id: string;
    ordinal: number;
  }>(
    `select k.host_id, k.attempt_id, k.since, a.state = 'queued' as queued, a.needs, a.run_id, a.ordinal
     from kept_hosts k join attempts a on a.id = k.attempt_id
     order by k.host_id collate "C"`,
  );
  return rows.map((found) => ({
    hostId: found.host_id,
    since: found.since,
    queued: found.queued,
    attempt: { ...(JSON.parse(found.needs) as Needs), id: found.attempt_id },
    runId: found.run_id,
    ordinal: found.ordinal,
  }));
}

/** Waits for nobody: a row that another claim is taking away is left to it. */
export async function dropKept(tx: Queryable, hostIds: readonly string[]): Promise<void> {
  if (hostIds.length === 0) return;
  await tx.rows(
    `delete from kept_hosts where host_id in
       (select host_id from kept_hosts where host_id = any($1::text[]) for update skip locked)`,
    [hostIds],
  );
}

/** False: another claim has just kept that host, or one for that attempt. */
export async function insertKept(tx: Queryable, hostId: string, attemptId: string, now: Date): Promise<boolean> {
  const inserted = await tx.rows(
    `insert into kept_hosts (host_id, attempt_id, since) values ($1, $2, $3)
     on conflict do nothing returning host_id`,
    [hostId, attemptId, now],
  );
  return inserted.length === 1;
}
