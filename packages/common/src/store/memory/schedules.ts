import type { ScheduleRecord, ScheduleSource, ScheduleStore, TakenTick } from '../port/index.js';
import { dueTick, firstTick, rulesOf, scheduleKey, tickDelivery } from '../projection/index.js';
import type { Core } from './core.js';
import { acceptDelivery } from './deliveries.js';
import { letGoOfLook } from './schedule-looks.js';
import type { ScheduleRow } from './tables.js';

export class MemorySchedules implements ScheduleStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  replace(source: ScheduleSource): ReturnType<ScheduleStore['replace']> {
    return this.#core.transact(() => {
      const { scheduleSources } = this.#core.tables;
      const { look, ref, commit, files, broken } = source;
      const lookedAt = this.#core.now();
      const ended = { dueAt: undefined, tries: 0, problem: undefined, lookedAt };
      if (look !== undefined && !letGoOfLook(this.#core, look, ended)) return { replaced: false, stale: [] };
      const eventOrder = look?.place ?? Number(source.deliveryId ?? this.#core.newDeliveryId());
      const before = scheduleSources.get(source.repositoryId);
      if (before !== undefined && before.eventOrder > eventOrder) return { replaced: false, stale: [] };
      const workflows = files.length + broken.length;
      scheduleSources.set(source.repositoryId, { eventOrder, ref, commit, readAt: lookedAt, workflows, broken });
      this.#core.touch('schedules');
      return { replaced: true, stale: this.#replaceAll(source) };
    });
  }

  /** Answers the broken files whose schedules stay. */
  #replaceAll(source: ScheduleSource): string[] {
    const { schedules } = this.#core.tables;
    const stored = [...schedules.values()].filter(({ repositoryId }) => repositoryId === source.repositoryId);
    const stale = new Set<string>();
    const known = new Map(stored.map((schedule) => [scheduleKey(schedule), schedule]));
    for (const schedule of stored) {
      if (source.broken.some(({ file }) => file === schedule.file)) {
        stale.add(schedule.file);
        schedule.staleAtCommit = source.commit;
      } else {
        schedules.delete(schedule.id);
      }
    }
    for (const rule of rulesOf(source)) {
      const same = known.get(scheduleKey(rule));
      const id = same?.id ?? this.#core.newId();
      if (schedules.has(id)) continue;
      // One of which nothing could be made when it was read before has none.
      const nextAt = same?.nextAt ?? firstTick(rule, this.#core.now().getTime());
      const times = same ?? { skipped: 0, lastAt: undefined, lastDeliveryId: undefined };
      const { repositoryId } = source;
      schedules.set(id, { ...times, ...rule, id, repositoryId, nextAt, staleAtCommit: undefined });
    }
    return [...stale].sort();
  }

  list(filter: { repositoryId?: string } = {}): Promise<ScheduleRecord[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.schedules.values()]
        .filter(({ repositoryId }) => filter.repositoryId === undefined || repositoryId === filter.repositoryId)
        .sort(
          (a, b) =>
            compare(a.repositoryId, b.repositoryId) ||
            compare(a.file, b.file) ||
            (a.nextAt?.getTime() ?? Number.MAX_VALUE) - (b.nextAt?.getTime() ?? Number.MAX_VALUE),
        )
        .map((row) => this.#view(row)),
    );
  }

  #view({ lastAt, lastDeliveryId, ...schedule }: ScheduleRow): ScheduleRecord {
    const { deliveries, runs } = this.#core.tables;
    if (lastAt === undefined || lastDeliveryId === undefined) return schedule;
    const runId = deliveries.get(lastDeliveryId)?.runIds.at(-1);
    const run = runId === undefined ? undefined : runs.get(runId);
    return {
      ...schedule,
      lastTick: {
        ...{ at: lastAt, deliveryId: lastDeliveryId },
        ...(run && { runId: run.flow.runId, runNumber: run.meta.number }),
      },
    };
  }

  take(limit: number): ReturnType<ScheduleStore['take']> {
    return this.#core.transact(() => {
      const now = this.#core.now().getTime();
      const taken: TakenTick[] = [];
      let missed = 0;
      const due = [...this.#core.tables.schedules.values()]
        .filter(({ nextAt }) => nextAt !== undefined && nextAt.getTime() <= now)
        .sort((a, b) => (a.nextAt?.getTime() ?? 0) - (b.nextAt?.getTime() ?? 0))
        .slice(0, limit);
      for (const row of due) {
        const tick = dueTick(row, row.nextAt?.getTime() ?? now, now);
        row.nextAt = tick.next === undefined ? undefined : new Date(tick.next);
        const repository = this.#core.tables.repositories.get(row.repositoryId);
        if (!tick.runs || repository === undefined) {
          row.skipped += tick.earlier + 1;
          missed += tick.earlier + 1;
          continue;
        }
        const { delivery } = acceptDelivery(this.#core, tickDelivery(row, repository, tick));
        row.lastAt = new Date(tick.at);
        row.lastDeliveryId = delivery.id;
        taken.push({ scheduleId: row.id, at: row.lastAt, deliveryId: delivery.id });
      }
      return { taken, missed, skipped: 0 };
    });
  }

  nextInMs(): Promise<number | undefined> {
    return this.#core.transact(() => {
      const times = [...this.#core.tables.schedules.values()].flatMap(({ nextAt }) => nextAt?.getTime() ?? []);
      return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - this.#core.now().getTime());
    });
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
