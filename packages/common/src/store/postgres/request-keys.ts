import { isRefusal, type Refusal } from '../../flow/index.js';
import { type MadeByRequest, REQUEST_KEPT_MS, type RequestKey, type RequestKeyStore } from '../port/index.js';
import { madeBefore } from '../projection/index.js';
import * as sql from '../sql/request-keys.js';
import type { Database, Transaction } from './database.js';

export class PostgresRequestKeys implements RequestKeyStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async find(request: RequestKey): Promise<MadeByRequest | undefined> {
    return madeBefore(request, await this.#db.direct((db) => sql.findKey(db, request.key)));
  }

  forget(limit: number): Promise<number> {
    return this.#db.direct(async (db, now) => {
      const before = new Date((await now()).getTime() - REQUEST_KEPT_MS);
      return await sql.deleteKeys(db, before, limit);
    });
  }
}

/**
 * Makes it once for each key, in the transaction that makes it; without a key, each time. `isNew: false`: it was made
 * before. The key's lock comes before all others. What is refused leaves nothing, and may be asked for again.
 */
export async function onceForKey<Outcome extends MadeByRequest | Refusal>(
  tx: Transaction,
  request: RequestKey | undefined,
  make: () => Promise<Outcome>,
): Promise<{ isNew: boolean; made: MadeByRequest } | Extract<Outcome, Refusal>> {
  if (request !== undefined) {
    await sql.lockKey(tx, request.key);
    const before = madeBefore(request, await sql.findKey(tx, request.key));
    if (before !== undefined) return { isNew: false, made: before };
  }
  const made: MadeByRequest | Refusal = await make();
  if (isRefusal(made)) return made as Extract<Outcome, Refusal>;
  if (request !== undefined) await sql.insertKey(tx, request, made, tx.now);
  return { isNew: true, made };
}
