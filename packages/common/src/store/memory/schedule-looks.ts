import type { ScheduleLook, ScheduleLookStore, ScheduleReading } from '../port/index.js';
import type { Core } from './core.js';
import { compareRepositories } from './repository-order.js';
import type { ScheduleLookRow } from './tables.js';

export class MemoryScheduleLooks implements ScheduleLookStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  ask(repositoryId: string): Promise<void> {
    return this.#core.transact(() => {
      if (this.#core.tables.repositories.has(repositoryId)) askLook(this.#core, repositoryId);
    });
  }

  take(request: Parameters<ScheduleLookStore['take']>[0]): Promise<ScheduleLook | undefined> {
    return this.#core.transact(() => {
      const { repositories, scheduleLooks } = this.#core.tables;
      const now = this.#core.now().getTime();
      const [first] = [...repositories.values()]
        .filter(({ forge }) => !request.exceptForges.includes(forge))
        .map((repository) => ({ repository, look: scheduleLooks.get(repository.id) ?? noLook(new Date(0)) }))
        .filter(({ look }) => look.dueAt !== undefined && look.dueAt.getTime() <= now)
        .sort((a, b) => (a.look.dueAt?.getTime() ?? 0) - (b.look.dueAt?.getTime() ?? 0));
      if (first === undefined) return undefined;
      const { repository, look } = first;
      const place = Number(this.#core.newDeliveryId());
      scheduleLooks.set(repository.id, { ...look, dueAt: new Date(now + request.holdMs), place });
      return { repository: { ...repository }, place, tries: look.tries };
    });
  }

  end(look: ScheduleLook, problem: string): Promise<boolean> {
    return this.#core.transact(() =>
      letGoOfLook(this.#core, look, { dueAt: undefined, tries: 0, problem, lookedAt: this.#core.now() }),
    );
  }

  postpone(look: ScheduleLook, reason: string | undefined, againInMs: number): Promise<boolean> {
    return this.#core.transact(() => {
      const now = this.#core.now();
      const dueAt = new Date(now.getTime() + againInMs);
      const before = this.#core.tables.scheduleLooks.get(look.repository.id);
      return letGoOfLook(this.#core, look, {
        dueAt,
        ...(reason === undefined
          ? { tries: look.tries, problem: before?.problem, lookedAt: before?.lookedAt }
          : { tries: look.tries + 1, problem: reason, lookedAt: now }),
      });
    });
  }

  readings(filter: { repositoryId?: string } = {}): Promise<ScheduleReading[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.repositories.values()]
        .filter(({ id }) => filter.repositoryId === undefined || id === filter.repositoryId)
        .sort(compareRepositories)
        .map(({ id }) => this.#readingOf(id)),
    );
  }

  #readingOf(repositoryId: string): ScheduleReading {
    const { scheduleLooks, scheduleSources } = this.#core.tables;
    const source = scheduleSources.get(repositoryId);
    const { dueAt, place, tries, problem, lookedAt } = scheduleLooks.get(repositoryId) ?? noLook(this.#core.now());
    const { eventOrder: _order, ...told } = source ?? { eventOrder: 0 };
    return {
      repositoryId,
      ...('commit' in told && { source: { ...told, broken: [...told.broken] } }),
      ...(dueAt && { dueAt }),
      looking: place !== undefined,
      tries,
      ...(problem !== undefined && { problem }),
      ...(lookedAt && { lookedAt }),
    };
  }
}

/** It is due now, from the beginning, whoever has it. */
export function askLook(core: Core, repositoryId: string): void {
  const before = core.tables.scheduleLooks.get(repositoryId);
  core.tables.scheduleLooks.set(repositoryId, { ...noLook(core.now()), lookedAt: before?.lookedAt });
  core.touch('schedule-looks');
}

/** One that waits for another try has it now; one that ended with a problem, which may be mended by now, begins anew. */
export function hurryLook(core: Core, repositoryId: string): void {
  const look = core.tables.scheduleLooks.get(repositoryId);
  if (look === undefined || look.place !== undefined) return;
  if (look.dueAt === undefined ? look.problem === undefined : look.dueAt <= core.now()) return;
  const problem = look.dueAt && look.problem;
  core.tables.scheduleLooks.set(repositoryId, { ...look, dueAt: core.now(), tries: 0, problem });
  core.touch('schedule-looks');
}

/** False: it is in other hands, or in none. */
export function letGoOfLook(
  core: Core,
  look: Pick<ScheduleLook, 'place' | 'repository'>,
  to: Omit<ScheduleLookRow, 'place'>,
): boolean {
  const { repository, place } = look;
  if (core.tables.scheduleLooks.get(repository.id)?.place !== place) return false;
  core.tables.scheduleLooks.set(repository.id, { ...to, place: undefined });
  return true;
}

function noLook(dueAt: Date): ScheduleLookRow {
  return { dueAt, place: undefined, tries: 0, problem: undefined, lookedAt: undefined };
}
