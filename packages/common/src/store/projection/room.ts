import type { ResourcesSpec } from '../../flow/index.js';
import type { Capacity, HostRecord, PoolOffer, Resources } from '../port/index.js';

/** What a claim must know of a host: a HostRecord has it all. */
export type HostView = Pick<HostRecord, 'id' | 'state' | 'stateChange' | 'alive' | 'pools' | 'capacity' | 'reserved'>;

/** What a job takes of a host that makes it this offer: what it names itself, and the rest as the pool has it. */
export function resourcesOf(job: { resources?: ResourcesSpec | undefined }, offer: PoolOffer): Resources {
  return {
    cpus: job.resources?.cpus ?? offer.cpus,
    memoryBytes: job.resources?.memoryBytes ?? offer.memoryBytes,
  };
}

/**
 * How the host serves the pool: by its name, or with `*` if no other live host has it by name. Undefined: not at all.
 */
export function offerFor(pool: string, host: HostView, hosts: readonly HostView[]): PoolOffer | undefined {
  const named = host.pools.find((offer) => offer.name === pool);
  if (named !== undefined) {
    return named;
  }
  const star = host.pools.find((offer) => offer.name === '*');
  if (star === undefined) {
    return undefined;
  }
  const served = hosts.some(
    (other) => other.id !== host.id && other.alive && other.pools.some((offer) => offer.name === pool),
  );
  return served ? undefined : star;
}

/** What a host has given away: the sum over its worker rows, each one slot. */
export function sumReserved(workers: readonly Resources[]): Capacity {
  return {
    cpus: rounded(workers.reduce((sum, worker) => sum + worker.cpus, 0)),
    memoryBytes: workers.reduce((sum, worker) => sum + worker.memoryBytes, 0),
    slots: workers.length,
  };
}

export function freeOf({ capacity, reserved }: Pick<HostView, 'capacity' | 'reserved'>): Capacity {
  return {
    cpus: rounded(capacity.cpus - reserved.cpus),
    memoryBytes: capacity.memoryBytes - reserved.memoryBytes,
    slots: capacity.slots - reserved.slots,
  };
}

/** Is there room for all of these, each in a slot of its own? */
export function holds(free: Capacity, ...jobs: readonly Resources[]): boolean {
  const sum = sumReserved(jobs);
  return sum.cpus <= free.cpus && sum.memoryBytes <= free.memoryBytes && sum.slots <= free.slots;
}

/** Why it has no room just now; undefined: it has. */
export function shortage(takes: Resources, host: Pick<HostView, 'capacity' | 'reserved'>): string | undefined {
  const { capacity } = host;
  const free = freeOf(host);
  if (free.slots < 1) {
    return `has no free slot (${capacity.slots} in use)`;
  }
  if (takes.cpus > free.cpus) {
    return `has ${free.cpus} of ${capacity.cpus} cpus free, it takes ${takes.cpus}`;
  }
  if (takes.memoryBytes > free.memoryBytes) {
    return `has ${mebibytes(free.memoryBytes)} of ${mebibytes(capacity.memoryBytes)} free, it takes ${mebibytes(takes.memoryBytes)}`;
  }
  return undefined;
}

/** How much of what it takes is missing, as a share of it, where that is most: 0 fits. */
export function shortfall(takes: Resources, host: Pick<HostView, 'capacity' | 'reserved'>): number {
  const free = freeOf(host);
  const share = (needed: number, there: number): number => Math.max(0, (needed - there) / Math.max(needed, 1e-9));
  return Math.max(
    share(takes.cpus, free.cpus),
    share(takes.memoryBytes, free.memoryBytes),
    share(1, Math.max(0, free.slots)),
  );
}

export function tooSmall(takes: Resources, capacity: Capacity): string {
  return `is too small for it (${capacity.cpus} cpus, ${mebibytes(capacity.memoryBytes)}, ${capacity.slots} slots; it takes ${takes.cpus} cpus and ${mebibytes(takes.memoryBytes)})`;
}

/** Sums of decimal fractions of cpus (0.1 + 0.2) must not make a full host look over-full. */
function rounded(cpus: number): number {
  return Math.round(cpus * 1_000) / 1_000;
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1_048_576)} MiB`;
}
