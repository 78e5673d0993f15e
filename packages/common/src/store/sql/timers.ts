import type { FlowTimer } from '../../flow/index.js';
import type { DueTimer } from '../port/index.js';
import { isUuid, type Queryable, row } from './queryable.js';

export async function setTimers(tx: Queryable, runId: string, timers: readonly FlowTimer[]): Promise<void> {
  if (timers.length === 0) return;
  await tx.rows(
    `insert into timers (key, run_id, fire_at)
     select t.key, $1, t.fire_at from unnest($2::text[], $3::timestamptz[]) as t (key, fire_at)
     on conflict (key) do update set fire_at = excluded.fire_at`,
    [runId, timers.map(({ key }) => key), timers.map(({ fireAtMs }) => new Date(fireAtMs))],
  );
}

export async function deleteTimers(tx: Queryable, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.rows('delete from timers where key = any($1::text[])', [keys]);
}

/** Those whose time has come, the earliest first. Not locked: the run is, before one is fired. */
export async function readDue(db: Queryable, now: Date, limit: number): Promise<DueTimer[]> {
  const rows = await db.rows<{ key: string; run_id: string; fire_at: Date }>(
    'select key, run_id, fire_at from timers where fire_at <= $1 order by fire_at, key limit $2',
    [now, limit],
  );
  return rows.map(({ key, run_id, fire_at }) => ({ key, runId: run_id, fireAt: fire_at }));
}

export async function nextFireAt(db: Queryable): Promise<Date | undefined> {
  const found = await row<{ fire_at: Date }>(db, 'select fire_at from timers order by fire_at limit 1');
  return found?.fire_at;
}

/** By key. */
export async function timersOfRun(db: Queryable, runId: string): Promise<FlowTimer[]> {
  if (!isUuid(runId)) return [];
  const rows = await db.rows<{ key: string; fire_at: Date }>(
    'select key, fire_at from timers where run_id = $1 order by key',
    [runId],
  );
  return rows.map(({ key, fire_at }) => ({ key, fireAtMs: fire_at.getTime() }));
}
