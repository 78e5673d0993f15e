import type { Repository, RepositoryStore } from '../port/index.js';
import { looksDifferent } from '../projection/index.js';
import * as sql from '../sql/repositories.js';
import { askLook, hurryLook } from '../sql/schedule-looks.js';
import type { Database } from './database.js';

export class PostgresRepositories implements RepositoryStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  upsert(given: Omit<Repository, 'id' | 'createdAt'>): Promise<Repository> {
    return this.#db.transaction(async (tx) => {
      const before = await sql.lockRepositoryNamed(tx, given.forge, given.name);
      const stored = await sql.upsertRepository(tx, given, tx.now);
      if (looksDifferent(before, stored)) {
        await askLook(tx, stored.id, tx.now);
        tx.touch('schedule-looks');
      } else if (await hurryLook(tx, stored.id, tx.now)) {
        tx.touch('schedule-looks');
      }
      return stored;
    });
  }

  list(): Promise<Repository[]> {
    return this.#db.direct(sql.listRepositories);
  }

  get(id: string): Promise<Repository | undefined> {
    return this.#db.direct((db) => sql.getRepository(db, id));
  }

  resolve(forge: string, ref: { forgeRepositoryId: string; name: string }): Promise<Repository | undefined> {
    return this.#db.transaction(async (tx) => {
      const rows = await sql.lockCandidates(tx, forge, ref);
      const known = rows.find((row) => row.forgeRepositoryId === ref.forgeRepositoryId);
      const named = rows.find((row) => row.name === ref.name);
      // A name that another repository had is not that repository.
      const found = known ?? (named?.forgeRepositoryId === undefined ? named : undefined);
      if (found === undefined) return undefined;
      // A new name is taken only if it is free: two of one forge never share one.
      const name = named === undefined ? ref.name : found.name;
      if (found.forgeRepositoryId !== ref.forgeRepositoryId || found.name !== name) {
        await sql.rememberForgeName(tx, found.id, { forgeRepositoryId: ref.forgeRepositoryId, name });
      }
      return { ...found, forgeRepositoryId: ref.forgeRepositoryId, name };
    });
  }
}
