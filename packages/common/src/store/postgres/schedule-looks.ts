import type { ScheduleLook, ScheduleLookStore, ScheduleReading } from '../port/index.js';
import { nextEventOrder } from '../sql/concurrency.js';
import { getRepository } from '../sql/repositories.js';
import * as sql from '../sql/schedule-looks.js';
import type { Database } from './database.js';

export class PostgresScheduleLooks implements ScheduleLookStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  ask(repositoryId: string): Promise<void> {
    return this.#db.transaction(async (tx) => {
      if ((await getRepository(tx, repositoryId)) === undefined) return;
      await sql.askLook(tx, repositoryId, tx.now);
      tx.touch('schedule-looks');
    });
  }

  async take(request: Parameters<ScheduleLookStore['take']>[0]): Promise<ScheduleLook | undefined> {
    const { exceptForges, holdMs } = request;
    for (;;) {
      const due = await this.#db.direct(async (db, now) => sql.dueLook(db, await now(), exceptForges));
      if (due === undefined) return undefined;
      const taken = await this.#hold(due.repositoryId, holdMs);
      // Somebody was quicker: there may be others.
      if (taken !== undefined) return taken;
    }
  }

  #hold(repositoryId: string, holdMs: number): Promise<ScheduleLook | undefined> {
    return this.#db.transaction(async (tx) => {
      const place = await nextEventOrder(tx);
      const until = new Date(tx.now.getTime() + holdMs);
      const held = await sql.holdLook(tx, repositoryId, { place, now: tx.now, until });
      // Read after it is held: what is changed from now on takes it out of these hands.
      const repository = held && (await getRepository(tx, repositoryId));
      return held && repository && { repository, place, tries: held.tries };
    });
  }

  end({ repository, place }: ScheduleLook, problem: string): Promise<boolean> {
    return this.#db.transaction((tx) => {
      const to = { dueAt: undefined, tries: 0, problem, lookedAt: tx.now };
      return sql.letGoOfLook(tx, { repositoryId: repository.id, place }, to);
    });
  }

  postpone(look: ScheduleLook, reason: string | undefined, againInMs: number): Promise<boolean> {
    return this.#db.transaction((tx) => {
      const { repository, place, tries } = look;
      return sql.letGoOfLook(
        tx,
        { repositoryId: repository.id, place },
        {
          dueAt: new Date(tx.now.getTime() + againInMs),
          tries: reason === undefined ? tries : tries + 1,
          problem: reason,
          lookedAt: reason === undefined ? undefined : tx.now,
        },
      );
    });
  }

  readings(filter: { repositoryId?: string } = {}): Promise<ScheduleReading[]> {
    return this.#db.direct(async (db, now) => sql.listReadings(db, filter.repositoryId, await now()));
  }
}
