import type { DeadLetterRecord, DeadLetterStore, NewDeadLetter } from '../port/index.js';
import { letterDigest, noSuchLetter, readLetter } from '../projection/index.js';
import * as sql from '../sql/dead-letters.js';
import type { Database } from './database.js';

export class PostgresDeadLetters implements DeadLetterStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add(letter: NewDeadLetter): Promise<{ id: string }> {
    return this.#db.direct(async (db) => ({ id: await sql.insertLetter(db, letter, letterDigest(letter)) }));
  }

  list({ limit }: { limit: number }): Promise<DeadLetterRecord[]> {
    return this.#db.direct((db) => sql.listLetters(db, limit));
  }

  count(): Promise<number> {
    return this.#db.direct(sql.countLetters);
  }

  get(id: string): Promise<DeadLetterRecord | undefined> {
    return this.#db.direct((db) => sql.readLetter(db, id));
  }

  replay(id: string): ReturnType<DeadLetterStore['replay']> {
    return this.#db.transaction(async (tx) => {
      const letter = await sql.lockLetter(tx, id);
      if (letter === undefined) throw noSuchLetter(id);
      const parsed = readLetter(letter.body);
      if ('unreadable' in parsed) return parsed;
      await tx.send([parsed.message]);
      await sql.deleteLetter(tx, id);
      return { replayed: true };
    });
  }

  remove(id: string): Promise<void> {
    return this.#db.transaction(async (tx) => {
      if (!(await sql.deleteLetter(tx, id))) throw noSuchLetter(id);
    });
  }
}
