import type { HostRecord } from '../port/index.js';
import {
  type Fleet,
  hostToKeep,
  isMixed,
  KEEP_AFTER_MS,
  type KeptHost,
  keptOf,
  type Waiting,
} from '../projection/index.js';
import { dropKept, insertKept, readKept } from '../sql/kept-hosts.js';
import { type Queued, type QueuedKind, readOverdue } from '../sql/queue.js';
import type { Transaction } from './database.js';

/**
 * Takes away what is kept no longer, and keeps one more host where an attempt has waited for too long. Every claim of
 * every host does it, so nobody else has to. Between the host's lock and the run's, and one row at a time: two claims
 * that write here at once wait for each other in no circle.
 */
export async function keepHosts(
  tx: Transaction,
  hosts: readonly HostRecord[],
  kinds: readonly QueuedKind[],
  ownId: string,
): Promise<{ fleet: Fleet; keptForOwn: { attempt: Waiting; queued: Queued } | undefined }> {
  const rows = await readKept(tx);
  const kept = keptOf(rows, hosts);
  const counting = new Set(kept.map(({ hostId }) => hostId));
  await dropKept(
    tx,
    rows.map(({ hostId }) => hostId).filter((id) => !counting.has(id)),
  );
  const fleet: Fleet = {
    hosts,
    kept: [...kept, ...(await keepOne(tx, { hosts, kept, now: tx.now }, kinds))],
    now: tx.now,
  };
  const own = rows.find(({ hostId, queued }) => hostId === ownId && queued && counting.has(hostId));
  const keptForOwn = own && {
    attempt: { ...own.attempt, notBefore: 0 },
    queued: { id: own.attempt.id, runId: own.runId, ordinal: own.ordinal },
  };
  return { fleet, keptForOwn };
}

async function keepOne(tx: Transaction, fleet: Fleet, kinds: readonly QueuedKind[]): Promise<KeptHost[]> {
  const before = new Date(tx.now.getTime() - KEEP_AFTER_MS);
  const overdueKinds = kinds.filter(({ since }) => since <= before);
  if (overdueKinds.length === 0 || !isMixed(kinds.map(({ needs }) => needs))) return [];
  // Those of a kind are alike: if all that have a host are passed over, the next one answers for the rest.
  const limit = fleet.kept.length + 1;
  const next = hostToKeep(await readOverdue(tx, { kinds: overdueKinds, before, limit }), fleet);
  if (next === undefined) return [];
  const { hostId, attempt } = next;
  return (await insertKept(tx, hostId, attempt.id, tx.now)) ? [{ hostId, since: tx.now, attempt }] : [];
}
