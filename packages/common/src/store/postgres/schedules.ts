import { SolsticeError } from '../../errors/index.js';
import type { ScheduleRecord, ScheduleSource, ScheduleStore, TakenTick } from '../port/index.js';
import { dueTick, firstTick, rulesOf, scheduleKey, tickDelivery } from '../projection/index.js';
import { nextEventOrder } from '../sql/concurrency.js';
import { deliveryByForgeId } from '../sql/deliveries.js';
import { letGoOfLook } from '../sql/schedule-looks.js';
import * as sql from '../sql/schedules.js';
import type { Database, Transaction } from './database.js';
import { insertDelivery } from './deliveries.js';

export class PostgresSchedules implements ScheduleStore {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  replace(source: ScheduleSource): ReturnType<ScheduleStore['replace']> {
    return this.#db.transaction(async (tx) => {
      if (!(await endLook(tx, source))) return { replaced: false, stale: [] };
      if (!(await sql.takeSource(tx, source, await orderOf(tx, source), tx.now))) return { replaced: false, stale: [] };
      const stale = await replaceAll(tx, source);
      tx.touch('schedules');
      return { replaced: true, stale };
    });
  }

  list(filter: { repositoryId?: string } = {}): Promise<ScheduleRecord[]> {
    return this.#db.direct((db) => sql.listSchedules(db, filter.repositoryId));
  }

  async take(limit: number): ReturnType<ScheduleStore['take']> {
    const total = { taken: [] as TakenTick[], missed: 0, skipped: 0 };
    for (const id of await this.#db.direct(async (db, now) => sql.dueSchedules(db, await now(), limit))) {
      const tick = await this.#take(id);
      if (tick === undefined) total.skipped += 1;
      else {
        total.missed += tick.missed;
        if (tick.taken !== undefined) total.taken.push(tick.taken);
      }
    }
    return total;
  }

  /** Undefined: somebody else has it, or was quicker. */
  #take(id: string): Promise<{ taken: TakenTick | undefined; missed: number } | undefined> {
    return this.#db.transaction(async (tx) => {
      const due = await sql.lockDue(tx, id, tx.now);
      if (due?.schedule.nextAt === undefined) return undefined;
      const { schedule, repository } = due;
      const tick = dueTick(schedule, due.schedule.nextAt.getTime(), tx.now.getTime());
      const nextAt = tick.next === undefined ? undefined : new Date(tick.next);
      if (!tick.runs) {
        const skipped = tick.earlier + 1;
        await sql.passTick(tx, id, { nextAt, taken: undefined, skipped });
        return { taken: undefined, missed: skipped };
      }
      const given = tickDelivery(schedule, repository, tick);
      const delivery =
        (await insertDelivery(tx, given, undefined)) ??
        (await deliveryByForgeId(tx, given.forge, given.forgeDeliveryId));
      if (delivery === undefined) throw new SolsticeError('internal', `tick ${given.forgeDeliveryId} is nowhere`);
      const taken = { at: new Date(tick.at), deliveryId: delivery.id };
      await sql.passTick(tx, id, { nextAt, taken, skipped: 0 });
      return { taken: { scheduleId: id, ...taken }, missed: 0 };
    });
  }

  nextInMs(): Promise<number | undefined> {
    return this.#db.direct(async (db, now) => {
      const at = await sql.nextTickAt(db);
      return at && Math.max(0, at.getTime() - (await now()).getTime());
    });
  }
}

/** False: it was read for a look that is in other hands now. */
async function endLook(tx: Transaction, { look }: ScheduleSource): Promise<boolean> {
  if (look === undefined) return true;
  const { repository, place } = look;
  const to = { dueAt: undefined, tries: 0, problem: undefined, lookedAt: tx.now };
  return letGoOfLook(tx, { repositoryId: repository.id, place }, to);
}

/** Its place in the inbox. */
async function orderOf(tx: Transaction, { deliveryId, look }: ScheduleSource): Promise<number> {
  if (look !== undefined) return look.place;
  return deliveryId === undefined ? nextEventOrder(tx) : Number(deliveryId);
}

/** Answers the broken files whose schedules stay. */
async function replaceAll(tx: Transaction, source: ScheduleSource): Promise<string[]> {
  const stored = await sql.schedulesOf(tx, source.repositoryId);
  const stale = new Set<string>();
  const known = new Map(stored.map((schedule) => [scheduleKey(schedule), schedule]));
  const keep = new Set<string>();
  for (const { id, file, workflow, missed } of stored) {
    if (!source.broken.some((one) => one.file === file)) continue;
    stale.add(file);
    keep.add(id);
    await sql.updateSchedule(tx, id, { workflow, missed, nextAt: undefined, staleAtCommit: source.commit });
  }
  for (const rule of rulesOf(source)) {
    const same = known.get(scheduleKey(rule));
    const nextAt = firstTick(rule, tx.now.getTime());
    if (same !== undefined && keep.has(same.id)) continue;
    if (same !== undefined) {
      keep.add(same.id);
      await sql.updateSchedule(tx, same.id, { ...rule, nextAt, staleAtCommit: undefined });
      continue;
    }
    await sql.insertSchedule(tx, { ...rule, repositoryId: source.repositoryId, nextAt });
  }
  await sql.deleteSchedules(
    tx,
    stored.filter(({ id }) => !keep.has(id)).map(({ id }) => id),
  );
  return [...stale].sort();
}
