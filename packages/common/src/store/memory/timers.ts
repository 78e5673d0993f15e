import { type FlowEvent, type FlowTimer, isRefusal } from '../../flow/index.js';
import type { DueTimer, TimerStore } from '../port/index.js';
import { handle } from './commit-events.js';
import type { Core } from './core.js';

export class MemoryTimers implements TimerStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  due(limit: number): Promise<DueTimer[]> {
    return this.#core.transact(() => this.#due(limit));
  }

  fire(limit: number): ReturnType<TimerStore['fire']> {
    return this.#core.transact(() => {
      const events: FlowEvent[] = [];
      let fired = 0;
      for (const { key, runId } of this.#due(limit)) {
        const outcome = handle(this.#core, runId, { kind: 'fire', key });
        if (!isRefusal(outcome) && outcome.events.length > 0) {
          fired += 1;
          events.push(...outcome.events);
        }
      }
      return { fired, skipped: 0, events };
    });
  }

  nextInMs(): Promise<number | undefined> {
    return this.#core.transact(() => {
      const { timers } = this.#core.tables;
      const first = Math.min(...[...timers.values()].map(({ fireAtMs }) => fireAtMs));
      return timers.size === 0 ? undefined : Math.max(0, first - this.#core.now().getTime());
    });
  }

  ofRun(runId: string): Promise<FlowTimer[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.timers]
        .filter(([, timer]) => timer.runId === runId)
        .map(([key, { fireAtMs }]) => ({ key, fireAtMs }))
        .sort((a, b) => (a.key < b.key ? -1 : 1)),
    );
  }

  #due(limit: number): DueTimer[] {
    const now = this.#core.now().getTime();
    return [...this.#core.tables.timers]
      .filter(([, { fireAtMs }]) => fireAtMs <= now)
      .sort(([a, one], [b, other]) => one.fireAtMs - other.fireAtMs || (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([key, { runId, fireAtMs }]) => ({ key, runId, fireAt: new Date(fireAtMs) }));
  }
}
