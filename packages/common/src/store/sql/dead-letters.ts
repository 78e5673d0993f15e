import type { DeadLetterRecord, NewDeadLetter } from '../port/index.js';
import { isRowId, type Queryable, row } from './queryable.js';

interface DeadLetterRow {
  id: string;
  queue: string;
  routing_key: string;
  reason: string;
  body: Buffer;
  died_at: Date;
}

const columns = 'd.id::text, d.queue, d.routing_key, d.reason, d.body, d.died_at';

function letterOf(found: DeadLetterRow): DeadLetterRecord {
  return {
    id: found.id,
    queue: found.queue,
    routingKey: found.routing_key,
    reason: found.reason,
    body: new Uint8Array(found.body),
    at: found.died_at,
  };
}

/** The id, of this one or of the same one before. */
export async function insertLetter(tx: Queryable, letter: NewDeadLetter, digest: Uint8Array): Promise<string> {
  // An update that changes nothing, so that the row of before is given back, whoever wrote it a moment ago.
  const [stored] = await tx.rows<{ id: string }>(
    `insert into dead_letters (digest, queue, routing_key, reason, body, died_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (digest) do update set digest = excluded.digest
     returning id::text`,
    [Buffer.from(digest), letter.queue, letter.routingKey, letter.reason, Buffer.from(letter.body), letter.at],
  );
  if (stored === undefined) throw new Error('an insert gave nothing back');
  return stored.id;
}

export async function listLetters(db: Queryable, limit: number): Promise<DeadLetterRecord[]> {
  const rows = await db.rows<DeadLetterRow>(`select ${columns} from dead_letters d order by d.id desc limit $1`, [
    limit,
  ]);
  return rows.map(letterOf);
}

export async function countLetters(db: Queryable): Promise<number> {
  return (await row<{ count: number }>(db, 'select count(*) from dead_letters'))?.count ?? 0;
}

/** Locked: two who replay the same one take turns, and the second finds nothing. */
export async function lockLetter(tx: Queryable, id: string): Promise<DeadLetterRecord | undefined> {
  if (!isRowId(id)) return undefined;
  const found = await row<DeadLetterRow>(tx, `select ${columns} from dead_letters d where d.id = $1 for update`, [id]);
  return found && letterOf(found);
}

export async function readLetter(db: Queryable, id: string): Promise<DeadLetterRecord | undefined> {
  if (!isRowId(id)) return undefined;
  const found = await row<DeadLetterRow>(db, `select ${columns} from dead_letters d where d.id = $1`, [id]);
  return found && letterOf(found);
}

export async function deleteLetter(tx: Queryable, id: string): Promise<boolean> {
  if (!isRowId(id)) return false;
  return (await tx.rows('delete from dead_letters where id = $1 returning id', [id])).length === 1;
}
