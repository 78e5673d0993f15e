import type { ForgeEvent } from '../../forge/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { Delivery, DeliveryState, NewDelivery } from '../port/index.js';
import { isRowId, json, type Queryable, row } from './queryable.js';

interface DeliveryRow {
  id: string;
  forge: string;
  forge_delivery_id: string;
  event_name: string;
  repository_id: string;
  event: ForgeEvent | null;
  state: DeliveryState;
  reason: string | null;
  tries: number;
  next_try_at: Date | null;
  received_at: Date;
  trace: TraceContext | null;
  run_ids: string[];
}

const columns = `d.id::text, d.forge, d.forge_delivery_id, d.event_name, d.repository_id::text, d.event, d.state,
  d.reason, d.tries, d.next_try_at, d.received_at, d.trace,
  array(select r.id::text from runs r where r.delivery_id = d.id order by r.number) as run_ids`;

function deliveryOf(found: DeliveryRow): Delivery {
  return {
    id: found.id,
    forge: found.forge,
    forgeDeliveryId: found.forge_delivery_id,
    eventName: found.event_name,
    repositoryId: found.repository_id,
    event: found.event ?? undefined,
    state: found.state,
    reason: found.reason ?? undefined,
    tries: found.tries,
    nextTryAt: found.next_try_at ?? undefined,
    receivedAt: found.received_at,
    runIds: found.run_ids,
    ...(found.trace !== null && { trace: found.trace }),
  };
}

/** Undefined: the delivery, or its twin, is there already. Waits for one that is just being stored. */
export async function insertDelivery(
  tx: Queryable,
  given: NewDelivery,
  as: { state: 'received' | 'ignored'; reason: string | undefined; duplicateOf: string | undefined },
  now: Date,
): Promise<Delivery | undefined> {
  const inserted = await row<DeliveryRow>(
    tx,
    `insert into deliveries as d (forge, forge_delivery_id, event_name, repository_id, event, twin_key, duplicate_of, body,
       state, reason, received_at, trace)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     on conflict do nothing
     returning ${columns}`,
    [
      given.forge,
      given.forgeDeliveryId,
      given.eventName,
      given.repositoryId,
      json(given.event),
      given.twinKey,
      as.duplicateOf,
      Buffer.from(given.body),
      as.state,
      as.reason,
      now,
      json(given.trace),
    ],
  );
  return inserted && deliveryOf(inserted);
}

export async function deliveryByForgeId(
  db: Queryable,
  forge: string,
  forgeDeliveryId: string,
): Promise<Delivery | undefined> {
  const found = await row<DeliveryRow>(
    db,
    `select ${columns} from deliveries d where d.forge = $1 and d.forge_delivery_id = $2`,
    [forge, forgeDeliveryId],
  );
  return found && deliveryOf(found);
}

/** The first delivery of the same change. */
export async function firstTwin(db: Queryable, forge: string, twinKey: string): Promise<string | undefined> {
  const found = await row<{ id: string }>(
    db,
    'select id::text from deliveries where forge = $1 and twin_key = $2 and duplicate_of is null',
    [forge, twinKey],
  );
  return found?.id;
}

export async function getDelivery(db: Queryable, id: string): Promise<Delivery | undefined> {
  if (!isRowId(id)) return undefined;
  const found = await row<DeliveryRow>(db, `select ${columns} from deliveries d where d.id = $1`, [id]);
  return found && deliveryOf(found);
}

export async function listDeliveries(
  db: Queryable,
  filter: { state?: DeliveryState; limit: number },
): Promise<Delivery[]> {
  const rows = await db.rows<DeliveryRow>(
    `select ${columns} from deliveries d where $1::text is null or d.state = $1 order by d.id desc limit $2`,
    [filter.state, filter.limit],
  );
  return rows.map(deliveryOf);
}

export async function dueDeliveries(db: Queryable, now: Date, limit: number): Promise<Delivery[]> {
  const rows = await db.rows<DeliveryRow>(
    `select ${columns} from deliveries d
     where d.state = 'received' and (d.next_try_at is null or d.next_try_at <= $1)
     order by d.id limit $2`,
    [now, limit],
  );
  return rows.map(deliveryOf);
}

/** Compare-and-set from `received`. False: it was settled before. */
export async function settleDelivery(
  db: Queryable,
  id: string,
  to: { state: Exclude<DeliveryState, 'received'>; reason: string | undefined },
): Promise<boolean> {
  if (!isRowId(id)) return false;
  const changed = await db.rows(
    `update deliveries set state = $2, reason = $3, next_try_at = null
     where id = $1 and state = 'received' returning id`,
    [id, to.state, to.reason],
  );
  return changed.length === 1;
}

export async function postponeDelivery(db: Queryable, id: string, reason: string, nextTryAt: Date): Promise<boolean> {
  if (!isRowId(id)) return false;
  const changed = await db.rows(
    `update deliveries set tries = tries + 1, reason = $2, next_try_at = $3
     where id = $1 and state = 'received' returning id`,
    [id, reason, nextTryAt],
  );
  return changed.length === 1;
}
