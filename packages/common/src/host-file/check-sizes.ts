import { quote, type Span, sizeText } from '../kdl/index.js';
import type { Capacity } from '../store/index.js';
import type { HostSink } from './diagnostic-codes.js';
import { hostLimits } from './limits.js';

/** What one job of a pool takes, as far as it is written, and where. */
export interface WrittenSize {
  name: string;
  /** Of the pool. */
  span: Span;
  cpus?: { count: number; span: Span };
  memory?: { bytes: number; written: string; span: Span };
}

/** As far as the file itself says both; with the rest of the capacity known, `offersOf` asks again. */
export function checkSizes(pools: readonly WrittenSize[], capacity: Partial<Capacity>, sink: HostSink): void {
  const { memoryBytes, slots } = capacity;
  const shareBytes = memoryBytes === undefined || slots === undefined ? undefined : Math.floor(memoryBytes / slots);
  for (const { name, span, cpus, memory } of pools) {
    if (memory === undefined && shareBytes !== undefined && shareBytes < hostLimits.poolMemoryBytes) {
      sink.error(
        span,
        'pool-too-small',
        `a job of ${quote(name)} has a share of ${sizeText(shareBytes)}, and would not start`,
        `Fewer slots, more memory, or memory="…" for the pool: ${sizeText(hostLimits.poolMemoryBytes)} is the least.`,
      );
    }
    if (cpus !== undefined && capacity.cpus !== undefined && cpus.count > capacity.cpus) {
      sink.error(
        cpus.span,
        'pool-too-large',
        `a job of ${quote(name)} takes ${cpus.count} cpus, and the whole host has ${capacity.cpus}`,
        `No job of it would ever start: cpus=${capacity.cpus} is the most.`,
      );
    }
    if (memory !== undefined && capacity.memoryBytes !== undefined && memory.bytes > capacity.memoryBytes) {
      sink.error(
        memory.span,
        'pool-too-large',
        `a job of ${quote(name)} takes ${memory.written} of memory, and the whole host has ${sizeText(capacity.memoryBytes)}`,
        'No job of it would ever start: give it less, or the host more.',
      );
    }
  }
}
