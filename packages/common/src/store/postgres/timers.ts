import { type FlowEvent, type FlowTimer, isRefusal, timersOf } from '../../flow/index.js';
import type { DueTimer, TimerStore } from '../port/index.js';
import * as sql from '../sql/timers.js';
import type { Database } from './database.js';
import type { RunCommands } from './run-commands.js';

export class PostgresTimers implements TimerStore {
  readonly #db: Database;
  readonly #commands: RunCommands;

  constructor(db: Database, commands: RunCommands) {
    this.#db = db;
    this.#commands = commands;
  }

  due(limit: number): Promise<DueTimer[]> {
    return this.#db.direct(async (db, now) => sql.readDue(db, await now(), limit));
  }

  async fire(limit: number): ReturnType<TimerStore['fire']> {
    const total = { fired: 0, skipped: 0, events: [] as FlowEvent[] };
    const due = await this.due(limit);
    for (const runId of new Set(due.map((timer) => timer.runId))) {
      const own = due.filter((timer) => timer.runId === runId);
      const done = await this.#fireOfRun(runId, own);
      if (done === undefined) total.skipped += own.length;
      else {
        total.fired += done.fired;
        total.events.push(...done.events);
      }
    }
    return total;
  }

  /** The run's lock comes first, as for every command; another firer that was quicker has left nothing to do. */
  #fireOfRun(runId: string, due: readonly DueTimer[]): Promise<{ fired: number; events: FlowEvent[] } | undefined> {
    return this.#db.transaction(async (tx) => {
      const run = await this.#commands.lock(tx, runId, { skipLocked: true });
      if (run === undefined) return undefined;
      const events: FlowEvent[] = [];
      let fired = 0;
      for (const { key } of due) {
        const outcome = await this.#commands.handle(tx, run, { kind: 'fire', key });
        if (!isRefusal(outcome) && outcome.events.length > 0) {
          fired += 1;
          events.push(...outcome.events);
        }
      }
      if (fired < due.length) {
        // Others were quicker, or a row is not what the run says: the run is right.
        const asSaid = timersOf(run.flow).filter(({ key }) => due.some((one) => one.key === key));
        await sql.deleteTimers(
          tx,
          due.map(({ key }) => key),
        );
        await sql.setTimers(tx, runId, asSaid);
      }
      return { fired, events };
    });
  }

  nextInMs(): Promise<number | undefined> {
    return this.#db.direct(async (db, now) => {
      const at = await sql.nextFireAt(db);
      return at && Math.max(0, at.getTime() - (await now()).getTime());
    });
  }

  ofRun(runId: string): Promise<FlowTimer[]> {
    return this.#db.direct((db) => sql.timersOfRun(db, runId));
  }
}
