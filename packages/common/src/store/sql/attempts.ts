import type { AttemptState, AttemptView, CancelIntent, Cause } from '../../flow/index.js';
import { dateOf, json, type Queryable, row } from './queryable.js';

interface AttemptRow {
  id: string;
  node_id: string;
  number: number;
  state: AttemptState;
  pool: string;
  not_before: Date;
  avoid_hosts: string[];
  due: boolean;
  host_id: string | null;
  worker_id: string | null;
  request_id: string | null;
  cancel_requested: CancelIntent | null;
  cause: Cause | null;
  queued_at: Date;
  claimed_at: Date | null;
  started_at: Date | null;
  ended_at: Date | null;
}

function attemptOf(found: AttemptRow): AttemptView {
  return {
    id: found.id,
    nodeId: found.node_id,
    number: found.number,
    state: found.state,
    pool: found.pool,
    notBefore: found.not_before.getTime(),
    avoidHosts: found.avoid_hosts,
    ...(found.due && { due: true as const }),
    ...(found.host_id !== null && { hostId: found.host_id }),
    ...(found.worker_id !== null && { workerId: found.worker_id }),
    ...(found.request_id !== null && { requestId: found.request_id }),
    ...(found.cancel_requested !== null && { cancelRequested: found.cancel_requested }),
    ...(found.cause !== null && { cause: found.cause }),
    queuedAt: found.queued_at.getTime(),
    ...(found.claimed_at !== null && { claimedAt: found.claimed_at.getTime() }),
    ...(found.started_at !== null && { startedAt: found.started_at.getTime() }),
    ...(found.ended_at !== null && { endedAt: found.ended_at.getTime() }),
  };
}

/** In these states, in the order given; each with the row that its records are counted in. `updateAttempts` says the rest. */
export async function insertAttempts(
  tx: Queryable,
  runId: string,
  attempts: readonly (AttemptView & { needs: string })[],
): Promise<void> {
  if (attempts.length === 0) return;
  await tx.rows(
    `insert into attempts (id, run_id, node_id, number, state, pool, not_before, avoid_hosts, queued_at, needs)
     select a.id, $1, a.node_id, a.number, a.state, a.pool, a.not_before,
       array(select json_array_elements_text(a.avoid_hosts::json)), a.queued_at, a.needs
     from unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::text[], $8::timestamptz[],
       $9::text[], $10::text[])
       with ordinality as a (id, node_id, number, pool, not_before, avoid_hosts, queued_at, needs, state, position)
     order by a.position`,
    [
      runId,
      attempts.map(({ id }) => id),
      attempts.map(({ nodeId }) => nodeId),
      attempts.map(({ number }) => number),
      attempts.map(({ pool }) => pool),
      attempts.map(({ notBefore }) => new Date(notBefore)),
      attempts.map(({ avoidHosts }) => JSON.stringify(avoidHosts)),
      attempts.map(({ queuedAt }) => new Date(queuedAt)),
      attempts.map(({ needs }) => needs),
      attempts.map(({ state }) => state),
    ],
  );
  await tx.rows('insert into attempt_progress (attempt_id) select id from unnest($1::text[]) as a (id)', [
    attempts.map(({ id }) => id),
  ]);
}

/** Only the states: a step on the way, where one command moves an attempt twice. */
export async function moveAttempts(tx: Queryable, moves: readonly { id: string; state: string }[]): Promise<void> {
  if (moves.length === 0) return;
  await tx.rows(
    `update attempts a set state = m.state from unnest($1::text[], $2::text[]) as m (id, state) where a.id = m.id`,
    [moves.map(({ id }) => id), moves.map(({ state }) => state)],
  );
}

export async function updateAttempts(tx: Queryable, attempts: readonly AttemptView[]): Promise<void> {
  if (attempts.length === 0) return;
  await tx.rows(
    `update attempts a set state = m.state, host_id = m.host_id, worker_id = m.worker_id, request_id = m.request_id,
       cancel_requested = m.cancel_requested::json, cause = m.cause::json, claimed_at = m.claimed_at,
       started_at = m.started_at, ended_at = m.ended_at, due = m.due
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::boolean[])
       as m (id, state, host_id, worker_id, request_id, cancel_requested, cause, claimed_at, started_at, ended_at, due)
     where a.id = m.id`,
    [
      attempts.map(({ id }) => id),
      attempts.map(({ state }) => state),
      attempts.map(({ hostId }) => hostId ?? null),
      attempts.map(({ workerId }) => workerId ?? null),
      attempts.map(({ requestId }) => requestId ?? null),
      attempts.map(({ cancelRequested }) => json(cancelRequested)),
      attempts.map(({ cause }) => json(cause)),
      attempts.map(({ claimedAt }) => dateOf(claimedAt)),
      attempts.map(({ startedAt }) => dateOf(startedAt)),
      attempts.map(({ endedAt }) => dateOf(endedAt)),
      attempts.map(({ due }) => due === true),
    ],
  );
}

export async function readAttempts(db: Queryable, runId: string): Promise<AttemptView[]> {
  const rows = await db.rows<AttemptRow>(
    `select id, node_id, number, state, pool, not_before, avoid_hosts, host_id, worker_id, request_id, cancel_requested,
       cause, queued_at, claimed_at, started_at, ended_at, due
     from attempts where run_id = $1 order by node_id, number`,
    [runId],
  );
  return rows.map(attemptOf);
}

/** The attempt that this host has claimed with this request. */
export async function attemptOfRequest(
  db: Queryable,
  hostId: string,
  requestId: string,
): Promise<{ workerId: string } | undefined> {
  const found = await row<{ worker_id: string }>(
    db,
    'select worker_id from attempts where host_id = $1 and request_id = $2',
    [hostId, requestId],
  );
  return found && { workerId: found.worker_id };
}

/** Was one of these attempts' requests made here, for another attempt? */
export async function requestsKnown(db: Queryable, attempts: readonly AttemptView[]): Promise<boolean> {
  const found = await db.rows<{ one: number }>(
    `select 1 as one from attempts a join unnest($1::text[], $2::text[]) as m (host_id, request_id)
       on a.host_id = m.host_id and a.request_id = m.request_id limit 1`,
    [attempts.map(({ hostId }) => hostId ?? null), attempts.map(({ requestId }) => requestId ?? null)],
  );
  return found.length > 0;
}
