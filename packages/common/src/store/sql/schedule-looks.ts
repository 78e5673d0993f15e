import type { Repository, ScheduleReading } from '../port/index.js';
import { isRowId, type Queryable, row } from './queryable.js';

/** It is due now, from the beginning, whoever has it. */
export async function askLook(tx: Queryable, repositoryId: string, now: Date): Promise<void> {
  await tx.rows(
    `insert into schedule_looks (repository_id, due_at) values ($1, $2)
     on conflict (repository_id) do update set due_at = excluded.due_at, place = null, tries = 0, problem = null`,
    [repositoryId, now],
  );
}

/**
 * One that waits for another try has it now; one that ended with a problem, which may be mended by now, begins anew. False:
 * there is none.
 */
export async function hurryLook(tx: Queryable, repositoryId: string, now: Date): Promise<boolean> {
  const rows = await tx.rows(
    `update schedule_looks set due_at = $2, tries = 0, problem = case when due_at is not null then problem end
     where repository_id = $1 and place is null and (due_at > $2 or (due_at is null and problem is not null))
     returning repository_id`,
    [repositoryId, now],
  );
  return rows.length === 1;
}

export async function dueLook(
  db: Queryable,
  now: Date,
  exceptForges: readonly string[],
): Promise<{ repositoryId: string } | undefined> {
  const found = await row<{ id: string }>(
    db,
    `select r.id::text from repositories r left join schedule_looks l on l.repository_id = r.id
     where (l.repository_id is null or l.due_at <= $1) and not r.forge = any($2::text[])
     order by l.due_at nulls first, r.id limit 1`,
    [now, exceptForges],
  );
  return found && { repositoryId: found.id };
}

/** Undefined: somebody else was quicker. */
export async function holdLook(
  tx: Queryable,
  repositoryId: string,
  to: { place: number; now: Date; until: Date },
): Promise<{ tries: number } | undefined> {
  return row<{ tries: number }>(
    tx,
    `insert into schedule_looks as l (repository_id, due_at, place) values ($1, $2, $3)
     on conflict (repository_id) do update set due_at = excluded.due_at, place = excluded.place where l.due_at <= $4
     returning tries`,
    [repositoryId, to.until, to.place, to.now],
  );
}

/** It has come to its end, or (`dueAt`) waits for another try. False: it is in other hands, or in none. */
export async function letGoOfLook(
  tx: Queryable,
  look: { repositoryId: string; place: number },
  to: { dueAt: Date | undefined; tries: number; problem: string | undefined; lookedAt: Date | undefined },
): Promise<boolean> {
  const rows = await tx.rows(
    `update schedule_looks set due_at = $3, place = null, tries = $4, problem = coalesce($5, case when $6::timestamptz is null then problem end),
       looked_at = coalesce($6, looked_at)
     where repository_id = $1 and place = $2 returning repository_id`,
    [look.repositoryId, look.place, to.dueAt, to.tries, to.problem, to.lookedAt],
  );
  return rows.length === 1;
}

interface ReadingRow {
  id: string;
  ref: string | null;
  commit: string | null;
  read_at: Date | null;
  workflows: number | null;
  broken: { file: string; problem: string }[] | null;
  looked: boolean;
  due_at: Date | null;
  place: number | null;
  tries: number | null;
  problem: string | null;
  looked_at: Date | null;
}

export async function listReadings(
  db: Queryable,
  repositoryId: Repository['id'] | undefined,
  now: Date,
): Promise<ScheduleReading[]> {
  if (repositoryId !== undefined && !isRowId(repositoryId)) return [];
  const rows = await db.rows<ReadingRow>(
    `select r.id::text, s.ref, s.commit, s.read_at, s.workflows, s.broken, l.repository_id is not null as looked, l.due_at,
       l.place, l.tries, l.problem, l.looked_at
     from repositories r left join schedule_sources s on s.repository_id = r.id
       left join schedule_looks l on l.repository_id = r.id
     where $1::bigint is null or r.id = $1
     order by r.forge collate "C", r.name collate "C"`,
    [repositoryId],
  );
  return rows.map((found) => readingOf(found, now));
}

function readingOf(found: ReadingRow, now: Date): ScheduleReading {
  const { commit, ref, read_at: readAt, workflows, broken, problem, looked_at: lookedAt } = found;
  const dueAt = found.looked ? found.due_at : now;
  return {
    repositoryId: found.id,
    ...(commit !== null && {
      source: {
        commit,
        ...(ref !== null && { ref }),
        ...(readAt !== null && { readAt }),
        ...(workflows !== null && { workflows }),
        broken: broken ?? [],
      },
    }),
    ...(dueAt !== null && { dueAt }),
    looking: found.place !== null,
    tries: found.tries ?? 0,
    ...(problem !== null && { problem }),
    ...(lookedAt !== null && { lookedAt }),
  };
}
