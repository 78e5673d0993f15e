import type { Repository, ScheduleRecord, ScheduleRule, ScheduleSource } from '../port/index.js';
import { isRowId, json, type Queryable, row } from './queryable.js';
import { getRepository } from './repositories.js';

interface ScheduleRow {
  id: string;
  repository_id: string;
  file: string;
  workflow: string;
  cron: string;
  timezone: string;
  missed: ScheduleRule['missed'];
  next_at: Date | null;
  last_at: Date | null;
  last_delivery_id: string | null;
  skipped: number;
  stale_at_commit: string | null;
}

const columns = `s.id::text, s.repository_id::text, s.file, s.workflow, s.cron, s.timezone, s.missed, s.next_at, s.last_at,
  s.last_delivery_id::text, s.skipped, s.stale_at_commit`;

function scheduleOf(found: ScheduleRow): Omit<ScheduleRecord, 'lastTick'> {
  return {
    id: found.id,
    repositoryId: found.repository_id,
    file: found.file,
    workflow: found.workflow,
    cron: found.cron,
    timezone: found.timezone,
    missed: found.missed,
    nextAt: found.next_at ?? undefined,
    skipped: found.skipped,
    staleAtCommit: found.stale_at_commit ?? undefined,
  };
}

/**
 * Locks a repository's schedules against other readers of its files until the end of the transaction, and says that they
 * are read from this commit now. False: they were read from a newer one.
 */
export async function takeSource(
  tx: Queryable,
  source: ScheduleSource,
  eventOrder: number,
  now: Date,
): Promise<boolean> {
  const { repositoryId, commit, ref, files, broken } = source;
  const taken = await tx.rows(
    `insert into schedule_sources as s (repository_id, event_order, commit, ref, read_at, workflows, broken)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (repository_id) do update set event_order = excluded.event_order, commit = excluded.commit,
       ref = excluded.ref, read_at = excluded.read_at, workflows = excluded.workflows, broken = excluded.broken
     where s.event_order <= excluded.event_order
     returning s.repository_id`,
    [repositoryId, eventOrder, commit, ref, now, files.length + broken.length, json(broken)],
  );
  return taken.length === 1;
}

export async function schedulesOf(db: Queryable, repositoryId: string): Promise<Omit<ScheduleRecord, 'lastTick'>[]> {
  if (!isRowId(repositoryId)) return [];
  const rows = await db.rows<ScheduleRow>(
    `select ${columns} from schedules s where s.repository_id = $1 order by s.file, s.id`,
    [repositoryId],
  );
  return rows.map(scheduleOf);
}

/** With the run of the last tick, where there is one by now. */
export async function listSchedules(db: Queryable, repositoryId: string | undefined): Promise<ScheduleRecord[]> {
  if (repositoryId !== undefined && !isRowId(repositoryId)) return [];
  const rows = await db.rows<ScheduleRow & { run_id: string | null; run_number: number | null }>(
    `select ${columns}, r.id as run_id, r.number as run_number
     from schedules s left join lateral (
       select id, number from runs where delivery_id = s.last_delivery_id order by number desc limit 1
     ) r on true
     where $1::bigint is null or s.repository_id = $1
     order by s.repository_id, s.file, s.next_at, s.id`,
    [repositoryId],
  );
  return rows.map((found) => {
    const { last_at: at, last_delivery_id: deliveryId, run_id: runId, run_number: runNumber } = found;
    const run = runId === null || runNumber === null ? {} : { runId, runNumber };
    return {
      ...scheduleOf(found),
      ...(at !== null && deliveryId !== null && { lastTick: { at, deliveryId, ...run } }),
    };
  });
}

export async function insertSchedule(
  tx: Queryable,
  schedule: ScheduleRule & { repositoryId: string; file: string; workflow: string; nextAt: Date | undefined },
): Promise<void> {
  const { repositoryId, file, workflow, cron, timezone, missed, nextAt } = schedule;
  await tx.rows(
    `insert into schedules (repository_id, file, workflow, cron, timezone, missed, next_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [repositoryId, file, workflow, cron, timezone, missed, nextAt],
  );
}

export async function updateSchedule(
  tx: Queryable,
  id: string,
  to: {
    workflow: string;
    missed: ScheduleRule['missed'];
    /** Only for one that has none: a tick may be taken just now. */
    nextAt: Date | undefined;
    staleAtCommit: string | undefined;
  },
): Promise<void> {
  await tx.rows(
    'update schedules set workflow = $2, missed = $3, next_at = coalesce(next_at, $4), stale_at_commit = $5 where id = $1',
    [id, to.workflow, to.missed, to.nextAt, to.staleAtCommit],
  );
}

export async function deleteSchedules(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await tx.rows('delete from schedules where id = any($1::bigint[])', [ids]);
}

export async function dueSchedules(db: Queryable, now: Date, limit: number): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(
    'select id::text from schedules where next_at <= $1 order by next_at, id limit $2',
    [now, limit],
  );
  return rows.map(({ id }) => id);
}

/** One that is due, locked. Undefined: it is gone, or not due any more, or (`skip locked`) somebody has it. */
export async function lockDue(
  tx: Queryable,
  id: string,
  now: Date,
): Promise<{ schedule: Omit<ScheduleRecord, 'lastTick'>; repository: Repository } | undefined> {
  const found = await row<ScheduleRow>(
    tx,
    `select ${columns} from schedules s where s.id = $1 and s.next_at <= $2 for update skip locked`,
    [id, now],
  );
  const repository = found && (await getRepository(tx, found.repository_id));
  return found && repository && { schedule: scheduleOf(found), repository };
}

/** `deliveryId` undefined: nothing was made of the ticks until then; `skipped` of them. */
export async function passTick(
  tx: Queryable,
  id: string,
  to: { nextAt: Date | undefined; taken: { at: Date; deliveryId: string } | undefined; skipped: number },
): Promise<void> {
  await tx.rows(
    `update schedules set next_at = $2, last_at = coalesce($3, last_at), last_delivery_id = coalesce($4, last_delivery_id),
       skipped = skipped + $5
     where id = $1`,
    [id, to.nextAt, to.taken?.at, to.taken?.deliveryId, to.skipped],
  );
}

export async function nextTickAt(db: Queryable): Promise<Date | undefined> {
  const found = await row<{ next_at: Date }>(
    db,
    'select next_at from schedules where next_at is not null order by next_at limit 1',
  );
  return found?.next_at;
}
