import type { CheckState } from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { CheckRecord, SourceRef } from '../port/index.js';
import { isRowId, isUuid, json, type Queryable, row } from './queryable.js';

interface CheckRow {
  id: string;
  forge: string;
  repository_id: string;
  repository_name: string;
  commit: string;
  context: string;
  run_id: string | null;
  desired: CheckState;
  desired_version: number;
  sent_version: number;
  lease: number;
  tries: number;
  next_try_at: Date | null;
  last_error: string | null;
  trace: TraceContext | null;
}

const columns = `c.id::text, c.forge, c.repository_id::text, c.repository_name, c.commit, c.context, c.run_id, c.desired,
  c.desired_version, c.sent_version, c.lease, c.tries, c.next_try_at, c.last_error, c.trace`;

function checkOfRow(found: CheckRow): CheckRecord {
  const { state, title, text, pageKey } = found.desired;
  return {
    id: found.id,
    forge: found.forge,
    repositoryId: found.repository_id,
    repositoryName: found.repository_name,
    commit: found.commit,
    context: found.context,
    runId: found.run_id ?? undefined,
    desired: { state, title, text, pageKey },
    desiredVersion: found.desired_version,
    sentVersion: found.sent_version,
    lease: found.lease,
    tries: found.tries,
    nextTryAt: found.next_try_at ?? undefined,
    lastError: found.last_error ?? undefined,
    ...(found.trace !== null && { trace: found.trace }),
  };
}

/**
 * Sets what the forge should show, unless a newer generation speaks for it already (see speaksFor). Answers the check's
 * id when that is something new.
 */
export async function desireCheck(
  tx: Queryable,
  source: SourceRef,
  check: {
    context: string;
    runId: string | undefined;
    generation: number;
    desired: CheckState;
    trace: TraceContext | undefined;
  },
): Promise<string | undefined> {
  const { state, title, text, pageKey } = check.desired;
  // Compared as text: always these four, in this order.
  const desired = JSON.stringify({ state, title, text, pageKey });
  const stored = await row<{ id: string; changed: boolean }>(
    tx,
    `with before as (
       select desired_version from checks where forge = $1 and repository_id = $2 and commit = $4 and context = $5
     )
     insert into checks as c
       (forge, repository_id, repository_name, commit, context, run_id, generation, desired, desired_version, trace)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)
     on conflict (forge, repository_id, commit, context) do update set
       repository_name = excluded.repository_name,
       run_id = excluded.run_id,
       generation = excluded.generation,
       desired = excluded.desired,
       trace = excluded.trace,
       desired_version = c.desired_version + (c.desired::text is distinct from excluded.desired::text)::int
     where excluded.generation >= c.generation
     returning c.id::text, c.desired_version is distinct from (select desired_version from before) as changed`,
    [
      source.forge,
      source.repositoryId,
      source.repositoryName,
      source.commit,
      check.context,
      check.runId,
      check.generation,
      desired,
      json(check.trace),
    ],
  );
  return stored?.changed === true ? stored.id : undefined;
}

export async function leaseChecks(
  db: Queryable,
  request: { forge?: string; limit: number; leaseMs: number },
  now: Date,
): Promise<CheckRecord[]> {
  const rows = await db.rows<CheckRow>(
    `with due as (
       select id from checks
       where desired_version > sent_version
         and ($1::text is null or forge = $1)
         and (next_try_at is null or next_try_at <= $2)
         and (leased_until is null or leased_until <= $2)
       order by id limit $3
       for no key update skip locked
     ), leased as (
       update checks c set leased_until = $4, lease = c.lease + 1, overtaken = false from due where c.id = due.id returning ${columns}, c.id as position
     )
     select * from leased order by position`,
    [request.forge, now, request.limit, new Date(now.getTime() + request.leaseMs)],
  );
  return rows.map(checkOfRow);
}

export async function markSent(db: Queryable, id: string, version: number, lease: number): Promise<void> {
  if (!isRowId(id)) return;
  const held = await db.rows(
    `update checks set tries = 0, next_try_at = null, last_error = null, leased_until = null, overtaken = false,
       sent_version = case when overtaken then least(greatest(sent_version, $2), desired_version - 1)
                           else greatest(sent_version, $2) end
     where id = $1 and lease = $3 returning id`,
    [id, version, lease],
  );
  if (held.length === 0) await markOvertaken(db, id, lease);
}

export async function markFailed(
  db: Queryable,
  id: string,
  error: string,
  nextTryAt: Date,
  lease: number,
): Promise<void> {
  if (!isRowId(id)) return;
  const held = await db.rows(
    `update checks set tries = tries + 1, next_try_at = $3, last_error = $2, leased_until = null, overtaken = false,
       sent_version = case when overtaken then least(sent_version, desired_version - 1) else sent_version end
     where id = $1 and lease = $4 returning id`,
    [id, error, nextTryAt, lease],
  );
  if (held.length === 0) await markOvertaken(db, id, lease);
}

/**
 * Its lease was over, and another took the check: which of the two reports the forge shows now is unknown. The other
 * one may still be sending, so its end is told too.
 */
async function markOvertaken(db: Queryable, id: string, lease: number): Promise<void> {
  await db.rows(
    `update checks set overtaken = true, sent_version = least(sent_version, desired_version - 1)
     where id = $1 and lease <> $2`,
    [id, lease],
  );
}

export async function listChecks(
  db: Queryable,
  filter: { runId?: string; repositoryId?: string; commit?: string; pendingOnly?: boolean; limit: number },
): Promise<CheckRecord[]> {
  if (filter.runId !== undefined && !isUuid(filter.runId)) return [];
  if (filter.repositoryId !== undefined && !isRowId(filter.repositoryId)) return [];
  const rows = await db.rows<CheckRow>(
    `select ${columns} from checks c
     where ($1::uuid is null or c.run_id = $1)
       and ($2::bigint is null or c.repository_id = $2)
       and ($3::text is null or c.commit = $3)
       and (not $4::boolean or c.desired_version > c.sent_version)
     order by c.id limit $5`,
    [filter.runId, filter.repositoryId, filter.commit, filter.pendingOnly ?? false, filter.limit],
  );
  return rows.map(checkOfRow);
}
