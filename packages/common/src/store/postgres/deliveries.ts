import { SolsticeError } from '../../errors/index.js';
import type { Delivery, DeliveryState, DeliveryStore, NewDelivery } from '../port/index.js';
import { twinReason } from '../projection/index.js';
import * as sql from '../sql/deliveries.js';
import type { Database, Transaction } from './database.js';

export class PostgresDeliveries implements DeliveryStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  accept(given: NewDelivery): Promise<{ kind: 'accepted' | 'duplicate'; delivery: Delivery }> {
    return this.#db.transaction(async (tx) => {
      const first = await insertDelivery(tx, given, undefined);
      if (first !== undefined) return { kind: 'accepted', delivery: first };
      // The insert has waited for whoever was before it, so one of the two is to be seen now.
      const known = await sql.deliveryByForgeId(tx, given.forge, given.forgeDeliveryId);
      if (known !== undefined) return { kind: 'duplicate', delivery: known };
      const twin = given.twinKey === undefined ? undefined : await sql.firstTwin(tx, given.forge, given.twinKey);
      const ignored = twin === undefined ? undefined : await insertDelivery(tx, given, twin);
      if (ignored !== undefined) return { kind: 'accepted', delivery: ignored };
      const meanwhile = await sql.deliveryByForgeId(tx, given.forge, given.forgeDeliveryId);
      if (meanwhile !== undefined) return { kind: 'duplicate', delivery: meanwhile };
      throw new SolsticeError('internal', `delivery ${given.forgeDeliveryId} is neither new nor known`);
    });
  }

  get(id: string): Promise<Delivery | undefined> {
    return this.#db.direct((db) => sql.getDelivery(db, id));
  }

  list(filter: { state?: DeliveryState; limit: number }): Promise<Delivery[]> {
    return this.#db.direct((db) => sql.listDeliveries(db, filter));
  }

  due(limit: number): Promise<Delivery[]> {
    return this.#db.direct(async (db, now) => sql.dueDeliveries(db, await now(), limit));
  }

  settle(id: string, state: 'ignored' | 'failed', reason: string): Promise<boolean> {
    return this.#db.transaction((tx) => sql.settleDelivery(tx, id, { state, reason }));
  }

  postpone(id: string, reason: string, nextTryAt: Date): Promise<boolean> {
    return this.#db.transaction((tx) => sql.postponeDelivery(tx, id, reason, nextTryAt));
  }
}

/** With its wake-up. Undefined: it, or its twin, is there already. */
export async function insertDelivery(
  tx: Transaction,
  given: NewDelivery,
  twin: string | undefined,
): Promise<Delivery | undefined> {
  const ignored = given.event === undefined || twin !== undefined;
  const as = {
    state: ignored ? ('ignored' as const) : ('received' as const),
    reason: twin === undefined ? given.reason : twinReason(twin),
    duplicateOf: twin,
  };
  const delivery = await sql.insertDelivery(tx, given, as, tx.now);
  if (delivery?.state === 'received' && given.event !== undefined) {
    const { id: deliveryId, forge } = delivery;
    await tx.send([{ kind: 'delivery', version: 2, deliveryId, forge, event: given.event }], given.trace);
  }
  return delivery;
}
