import { SolsticeError } from '../errors/index.js';
import { type Diagnostic, quote, sizeText } from '../kdl/index.js';
import type { Capacity, PoolOffer } from '../store/index.js';
import type { HostCode } from './diagnostic-codes.js';
import type { HostDescription, HostPool } from './host-description.js';
import { hostLimits } from './limits.js';

/** What the host has: as the file says, and where it says nothing, as the settings or the machine do. */
export function fullCapacity(host: Pick<HostDescription, 'capacity'>, otherwise: Capacity): Capacity {
  return { ...otherwise, ...host.capacity };
}

/**
 * What is wrong with the pools once the whole capacity is known, at their places: one that takes more than the host has,
 * or gets too small a share of it. None for what the file alone says: that was told when it was read.
 */
export function fitProblems(host: Pick<HostDescription, 'file' | 'pools'>, capacity: Capacity): Diagnostic[] {
  const shareBytes = shareOf(capacity);
  const least = sizeText(hostLimits.poolMemoryBytes);
  return host.pools.flatMap(({ name, cpus, memoryBytes, span }) => {
    const problem = (code: HostCode, message: string, hint: string): Diagnostic[] => [
      { file: host.file, ...span, severity: 'error', code, message, hint },
    ];
    if (cpus !== undefined && cpus > capacity.cpus) {
      const message = `a job of ${quote(name)} takes ${cpus} cpus, and the whole host has ${capacity.cpus}`;
      return problem('pool-too-large', message, 'No job of it would ever start.');
    }
    if (memoryBytes !== undefined && memoryBytes > capacity.memoryBytes) {
      const message = `a job of ${quote(name)} takes ${sizeText(memoryBytes)} of memory, and the whole host has ${sizeText(capacity.memoryBytes)}`;
      return problem('pool-too-large', message, 'No job of it would ever start.');
    }
    if (memoryBytes === undefined && shareBytes < hostLimits.poolMemoryBytes) {
      // Little would be left of it beside the runner, or, rounded to nothing, it would be no bound at all.
      const message = `a job of ${quote(name)} has a share of ${sizeText(shareBytes)}, and ${least} is the least`;
      return problem('pool-too-small', message, 'Fewer slots, more memory, or memory="…" for the pool.');
    }
    return [];
  });
}

/**
 * The pools as the host registers them, aliases as offers of their own under their names, in the order of the file. A pool
 * that does not say what a job takes gives it one cpu and its share of the memory.
 *
 * @throws SolsticeError host-file-invalid when they don't fit, see `fitProblems`
 */
export function offersOf(host: Pick<HostDescription, 'file' | 'pools' | 'aliases'>, capacity: Capacity): PoolOffer[] {
  const problems = fitProblems(host, capacity);
  if (problems.length > 0) {
    const told = problems.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
    throw new SolsticeError('host-file-invalid', `the pools do not fit the host:\n${told.join('\n')}`);
  }
  const offers = host.pools.map((pool) => offerOf(pool, capacity));
  const aliases = host.aliases.flatMap(({ name, pool }) => {
    const meant = offers.find((offer) => offer.name === pool);
    return meant === undefined ? [] : [{ ...meant, name }];
  });
  return [...offers, ...aliases];
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
