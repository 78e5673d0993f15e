import type { Message } from '../../messages/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import { isRowId, json, type Queryable, row } from './queryable.js';

export async function insertMessages(
  tx: Queryable,
  messages: readonly Message[],
  now: Date,
  trace: TraceContext | undefined,
): Promise<void> {
  if (messages.length === 0) return;
  await tx.rows('insert into outbox (message, created_at, trace) select m::json, $2, $3 from unnest($1::text[]) m', [
    messages.map((message) => JSON.stringify(message)),
    now,
    json(trace),
  ]);
}

export async function peekMessages(
  db: Queryable,
  limit: number,
): Promise<{ id: string; message: Message; trace?: TraceContext }[]> {
  const rows = await db.rows<{ id: string; message: Message; trace: TraceContext | null }>(
    'select o.id::text, o.message, o.trace from outbox o order by o.id limit $1',
    [limit],
  );
  return rows.map(({ id, message, trace }) => ({ id, message, ...(trace !== null && { trace }) }));
}

export async function deleteMessages(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.rows('delete from outbox where id = any($1::bigint[])', [ids.filter(isRowId)]);
}

export async function oldestMessageAt(db: Queryable): Promise<Date | undefined> {
  const found = await row<{ created_at: Date }>(db, 'select created_at from outbox order by id limit 1');
  return found?.created_at;
}
