import type { Needs, Waiting } from '../projection/index.js';
import type { Queryable } from './queryable.js';

/** All queued attempts that need the same. */
export interface QueuedKind {
  key: string;
  needs: Needs;
  /** When the oldest of them could first be claimed. */
  since: Date;
}

/** A queued attempt with its place in the queue. */
export interface Queued {
  id: string;
  runId: string;
  ordinal: number;
}

/** Every kind of needs that a queued attempt has: one step of the index for each, however many wait. */
export async function readKinds(db: Queryable): Promise<QueuedKind[]> {
  const rows = await db.rows<{ key: string; needs: string; since: Date }>(
    `with recursive kinds as (
       (select md5(needs) as key, needs, greatest(queued_at, not_before) as since
        from attempts where state = 'queued' and md5(needs) is not null order by md5(needs), ordinal limit 1)
       union all
       select next.key, next.needs, next.since
       from kinds k cross join lateral (
         select md5(a.needs) as key, a.needs, greatest(a.queued_at, a.not_before) as since
         from attempts a where a.state = 'queued' and md5(a.needs) > k.key
         order by md5(a.needs), a.ordinal limit 1
       ) next
     )
     select key, needs, since from kinds`,
  );
  return rows.map(({ key, needs, since }) => ({ key, needs: JSON.parse(needs) as Needs, since }));
}

/** The oldest attempts of these kinds whose time has come, oldest first; none of the runs that were looked through. */
export async function readOldest(
  db: Queryable,
  request: { keys: readonly string[]; now: Date; limit: number; exceptRuns: readonly string[] },
): Promise<Queued[]> {
  if (request.keys.length === 0) return [];
  const rows = await db.rows<{ id: string; run_id: string; ordinal: number }>(
    `select c.id, c.run_id, c.ordinal
     from unnest($1::text[]) as k (key) cross join lateral (
       select a.id, a.run_id, a.ordinal from attempts a
       where a.state = 'queued' and md5(a.needs) = k.key and a.not_before <= $2
         and not a.run_id = any($4::uuid[])
       order by a.ordinal limit $3
     ) c
     order by c.ordinal limit $3`,
    [request.keys, request.now, request.limit, request.exceptRuns],
  );
  return rows.map(({ id, run_id, ordinal }) => ({ id, runId: run_id, ordinal }));
}

/** Those of these kinds that could be claimed since before `before`, `limit` of each, oldest first. */
export async function readOverdue(
  db: Queryable,
  request: { kinds: readonly QueuedKind[]; before: Date; limit: number },
): Promise<Waiting[]> {
  if (request.kinds.length === 0) return [];
  const needs = new Map(request.kinds.map((kind) => [kind.key, kind.needs]));
  const rows = await db.rows<{ id: string; key: string; not_before: Date }>(
    `select c.id, k.key, c.not_before
     from unnest($1::text[]) as k (key) cross join lateral (
       select a.id, a.not_before, a.ordinal from attempts a
       where a.state = 'queued' and md5(a.needs) = k.key and greatest(a.queued_at, a.not_before) <= $2
       order by a.ordinal limit $3
     ) c
     order by c.ordinal`,
    [[...needs.keys()], request.before, request.limit],
  );
  return rows.flatMap(({ id, key, not_before }) => {
    const found = needs.get(key);
    return found === undefined ? [] : [{ ...found, id, notBefore: not_before.getTime() }];
  });
}
