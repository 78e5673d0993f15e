import { SolsticeError } from '../errors/index.js';
import { quote, sizeText } from '../kdl/index.js';
import type { Capacity, PoolOffer } from '../store/index.js';
import type { HostDescription, HostPool } from './host-description.js';
import { hostLimits } from './limits.js';

/** What the host has: as the file says, and where it says nothing, as the settings or the machine do. */
export function fullCapacity(host: Pick<HostDescription, 'capacity'>, otherwise: Capacity): Capacity {
  return { ...otherwise, ...host.capacity };
}

/**
 * The pools as the host registers them, aliases as offers of their own under their names, in the order of the file. A pool
 * that does not say what a job takes gives it one cpu and its share of the memory.
 *
 * @throws SolsticeError host-file-invalid when one job of a pool takes more than the whole host has, or gets too small a share of it
 */
export function offersOf(host: Pick<HostDescription, 'file' | 'pools' | 'aliases'>, capacity: Capacity): PoolOffer[] {
  const problems = host.pools.flatMap((pool) => {
    const problem = problemOf(pool, capacity);
    return problem === undefined ? [] : [`${host.file}:${pool.span.line}:${pool.span.column}: ${problem}`];
  });
  if (problems.length > 0) {
    throw new SolsticeError('host-file-invalid', `the pools do not fit the host:\n${problems.join('\n')}`);
  }
  const offers = host.pools.map((pool) => offerOf(pool, capacity));
  const aliases = host.aliases.flatMap(({ name, pool }) => {
    const meant = offers.find((offer) => offer.name === pool);
    return meant === undefined ? [] : [{ ...meant, name }];
  });
  return [...offers, ...aliases];
}

function problemOf({ name, cpus, memoryBytes }: HostPool, capacity: Capacity): string | undefined {
  if (cpus !== undefined && cpus > capacity.cpus) {
    return `a job of ${quote(name)} takes ${cpus} cpus, and the whole host has ${capacity.cpus}`;
  }
  if (memoryBytes !== undefined && memoryBytes > capacity.memoryBytes) {
    return `a job of ${quote(name)} takes ${sizeText(memoryBytes)} of memory, and the whole host has ${sizeText(capacity.memoryBytes)}`;
  }
  const shareBytes = shareOf(capacity);
  if (memoryBytes === undefined && shareBytes < hostLimits.poolMemoryBytes) {
    // Nothing would be left of it, or, rounded to none, a container without any bound.
    return `a job of ${quote(name)} has a share of ${sizeText(shareBytes)}, and ${sizeText(hostLimits.poolMemoryBytes)} is the least`;
  }
  return undefined;
}

function shareOf({ memoryBytes, slots }: Capacity): number {
  return Math.floor(memoryBytes / slots);
}

function offerOf(pool: HostPool, capacity: Capacity): PoolOffer {
  return {
    name: pool.name,
    backend: pool.backend,
    image: pool.image,
    cpus: pool.cpus ?? Math.min(1, capacity.cpus),
    memoryBytes: pool.memoryBytes ?? shareOf(capacity),
    ...(pool.trustedOnly === undefined ? {} : { trustedOnly: pool.trustedOnly }),
  };
}
