import type { Diagnostic, Span } from '../kdl/index.js';
import type { Capacity, PoolOffer } from '../store/index.js';

/** A host.kdl, understood. What is absent was not written; `fullCapacity` and `offersOf` fill it in. */
export interface HostDescription {
  /** The path as the caller named it, for messages. */
  file: string;
  id?: string;
  capacity: Partial<Capacity>;
  /** In the order of the file; at least one. */
  pools: HostPool[];
  aliases: PoolAlias[];
  /** What is allowed but probably not meant, or not available yet. */
  warnings: Diagnostic[];
}

export interface HostPool {
  name: string;
  backend: PoolOffer['backend'];
  image?: string;
  cpus?: number;
  memoryBytes?: number;
  trustedOnly?: true;
  span: Span;
}

export interface PoolAlias {
  name: string;
  /** The name of one of the pools. */
  pool: string;
}
