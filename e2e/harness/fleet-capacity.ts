import { setTimeout as delay } from 'node:timers/promises';
import type { FleetPostgres } from '@solstice/testing';

export interface CapacitySeen {
  samples: number;
  /** What the invariant query gave: must stay empty. */
  exceeded: string[];
  /** The most reservations at once that were seen on each host. */
  fullest: Map<string, number>;
}

/** Hosts on which more is reserved than they have. The invariant is that there is none, at any moment. */
const usage = `
  select h.id, h.slots, h.cpus, h.memory_bytes::float8 as memory,
    count(w.id)::int as used_slots, coalesce(sum(w.cpus), 0) as used_cpus,
    coalesce(sum(w.memory_bytes), 0)::float8 as used_memory
  from hosts h left join workers w on w.host_id = h.id
  group by h.id`;

interface Usage extends Record<string, unknown> {
  id: string;
  slots: number;
  cpus: number;
  memory: number;
  used_slots: number;
  used_cpus: number;
  used_memory: number;
}

/** Asks the database how full each host is, over and over, as long as it is let. */
export class CapacityWatch {
  readonly #seen: CapacitySeen = { samples: 0, exceeded: [], fullest: new Map() };
  readonly #stopping = new AbortController();
  #watching: Promise<void> | undefined;

  static async start(postgres: FleetPostgres): Promise<CapacityWatch> {
    const watch = new CapacityWatch();
    watch.#watching = watch.#watch(postgres);
    return watch;
  }

  async stop(): Promise<CapacitySeen> {
    this.#stopping.abort();
    await this.#watching;
    return this.#seen;
  }

  async #watch(postgres: FleetPostgres): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      for (const host of await postgres.query<Usage>(usage)) this.#look(host);
      this.#seen.samples += 1;
      await delay(100, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  #look(host: Usage): void {
    const { id, used_slots: slots } = host;
    this.#seen.fullest.set(id, Math.max(slots, this.#seen.fullest.get(id) ?? 0));
    if (slots > host.slots || host.used_cpus > host.cpus || host.used_memory > host.memory) {
      this.#seen.exceeded.push(JSON.stringify(host));
    }
  }
}
