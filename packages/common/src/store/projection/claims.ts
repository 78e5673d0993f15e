import type { Capacity, HostRecord, PoolOffer } from '../records.js';

/** What a claim must know of a host: a HostRecord has it all. */
export type HostView = Pick<HostRecord, 'id' | 'state' | 'alive' | 'pools' | 'capacity' | 'reserved'>;

export interface Waiting {
  pool: string;
  /** Unix milliseconds. */
  notBefore: number;
  avoidHosts: readonly string[];
}

export type Fit = { fits: true; pool: PoolOffer } | { fits: false; reason: string };

/**
 * Does this queued attempt fit this host now? `hosts` are all hosts, this one among them. A reason says what the host
 * answers (`is draining`); it stays the same while nothing changes, so that it can be stored.
 */
export function fitOf(attempt: Waiting, host: HostView, hosts: readonly HostView[], now: Date): Fit {
  const no = (reason: string): Fit => ({ fits: false, reason });
  if (attempt.notBefore > now.getTime()) {
    return no(`waits until ${new Date(attempt.notBefore).toISOString()}`);
  }
  if (!host.alive) {
    return no('does not answer');
  }
  if (host.state !== 'active') {
    return no(`is ${host.state}`);
  }
  const pool = offerFor(attempt.pool, host, hosts);
  if (pool === undefined) {
    return no(`does not serve pool ${attempt.pool}`);
  }
  if (attempt.avoidHosts.includes(host.id) && hosts.some((other) => isElsewhere(attempt, other, hosts))) {
    return no('is avoided, because an earlier attempt did not come to its end there');
  }
  const short = shortage(pool, host);
  return short === undefined ? { fits: true, pool } : no(short);
}

/**
 * How the host serves the pool: by its name, or with `*` if no other live host has it by name. Undefined: not at all.
 */
export function offerFor(pool: string, host: HostView, hosts: readonly HostView[]): PoolOffer | undefined {
  const named = host.pools.find((offer) => offer.name === pool);
  if (named !== undefined) {
    return named;
  }
  const served = hosts.some(
    (other) => other.id !== host.id && other.alive && other.pools.some((offer) => offer.name === pool),
  );
  return served ? undefined : host.pools.find((offer) => offer.name === '*');
}

/** Could another host take it, if not now then when it has room? */
function isElsewhere(attempt: Waiting, host: HostView, hosts: readonly HostView[]): boolean {
  return (
    host.alive &&
    host.state === 'active' &&
    !attempt.avoidHosts.includes(host.id) &&
    offerFor(attempt.pool, host, hosts) !== undefined
  );
}

function shortage(pool: PoolOffer, host: HostView): string | undefined {
  const { capacity, reserved } = host;
  if (pool.cpus > capacity.cpus || pool.memoryBytes > capacity.memoryBytes || capacity.slots < 1) {
    return `is too small for it (${describeRoom(capacity)}; it takes ${pool.cpus} cpus and ${mebibytes(pool.memoryBytes)})`;
  }
  const free: Capacity = {
    cpus: rounded(capacity.cpus - reserved.cpus),
    memoryBytes: capacity.memoryBytes - reserved.memoryBytes,
    slots: capacity.slots - reserved.slots,
  };
  if (free.slots < 1) {
    return `has no free slot (${capacity.slots} in use)`;
  }
  if (pool.cpus > free.cpus) {
    return `has ${free.cpus} of ${capacity.cpus} cpus free, it takes ${pool.cpus}`;
  }
  if (pool.memoryBytes > free.memoryBytes) {
    return `has ${mebibytes(free.memoryBytes)} of ${mebibytes(capacity.memoryBytes)} free, it takes ${mebibytes(pool.memoryBytes)}`;
  }
  return undefined;
}

/** Sums of decimal fractions of cpus (0.1 + 0.2) must not make a full host look over-full. */
function rounded(cpus: number): number {
  return Math.round(cpus * 1_000) / 1_000;
}

function describeRoom(capacity: Capacity): string {
  return `${capacity.cpus} cpus, ${mebibytes(capacity.memoryBytes)}, ${capacity.slots} slots`;
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1_048_576)} MiB`;
}

/** What a host has given away: the sum over its worker rows, each one slot. */
export function sumReserved(workers: readonly { cpus: number; memoryBytes: number }[]): Capacity {
  return {
    cpus: rounded(workers.reduce((sum, worker) => sum + worker.cpus, 0)),
    memoryBytes: workers.reduce((sum, worker) => sum + worker.memoryBytes, 0),
    slots: workers.length,
  };
}

/**
 * Why no host has taken a queued attempt: the stored answer to "why not", whichever host asked. Undefined: one of
 * them could, and will with its next look; or the attempt only waits for its time.
 */
export function hostsSay(attempt: Waiting, hosts: readonly HostView[], now: Date): string | undefined {
  if (attempt.notBefore > now.getTime()) {
    return undefined;
  }
  const live = hosts.filter((host) => host.alive);
  if (live.length === 0) {
    return 'no host is alive';
  }
  const serving = live.filter((host) => offerFor(attempt.pool, host, hosts) !== undefined);
  if (serving.length === 0) {
    const pools = [...new Set(live.flatMap((host) => host.pools.map((offer) => offer.name)))].sort();
    return `no live host serves pool ${attempt.pool} (they serve ${pools.join(', ') || 'none'})`;
  }
  const answers: string[] = [];
  for (const host of serving) {
    const fit = fitOf(attempt, host, hosts, now);
    if (fit.fits) {
      return undefined;
    }
    answers.push(`host ${host.id} ${fit.reason}`);
  }
  return answers.join('; ');
}
