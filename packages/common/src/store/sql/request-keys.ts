import type { MadeByRequest, RequestKey } from '../port/index.js';
import { json, type Queryable, row } from './queryable.js';

export interface RequestKeyRow {
  fingerprint: string;
  answer: MadeByRequest;
}

/** Until the end of the transaction: whoever comes with the same key waits, and then reads what this one has written. */
export async function lockKey(tx: Queryable, key: string): Promise<void> {
  await tx.rows(`select pg_advisory_xact_lock(hashtextextended('request_keys ' || $1, 0))`, [key]);
}

export async function findKey(db: Queryable, key: string): Promise<RequestKeyRow | undefined> {
  return await row<RequestKeyRow>(db, 'select fingerprint, answer from request_keys where key = $1', [key]);
}

export async function insertKey(tx: Queryable, request: RequestKey, answer: MadeByRequest, at: Date): Promise<void> {
  await tx.rows('insert into request_keys (key, fingerprint, answer, at) values ($1, $2, $3, $4)', [
    request.key,
    request.fingerprint,
    json(answer),
    at,
  ]);
}

/** The oldest of those made before that instant; what another process is deleting just now is left to it. */
export async function deleteKeys(db: Queryable, before: Date, limit: number): Promise<number> {
  const deleted = await db.rows(
    `delete from request_keys where key in (
       select key from request_keys where at < $1 order by at limit $2 for update skip locked
     ) returning key`,
    [before, limit],
  );
  return deleted.length;
}
