import type { Capacity, HostState } from './hosts.js';

/** How the whole installation stands, at one instant of the store's clock. Small, however much is stored. */
export interface StoreMeasures {
  /** Every pool that has a queued attempt, or that a live host serves by name; ordered by name. */
  pools: PoolMeasure[];
  /** By id. */
  hosts: HostMeasure[];
  outbox: { messages: number; oldestAgeMs: number | undefined };
  /** Those that are still `received`: due, or postponed to a later try. */
  deliveries: { due: number; postponed: number; oldestAgeMs: number | undefined };
  /** Forges that have not taken the newest state of some check. `failing`: they have refused it at least once. */
  checks: { forge: string; pending: number; failing: number }[];
  deadLetters: number;
}

export interface PoolMeasure {
  pool: string;
  queued: number;
  oldestAgeMs: number | undefined;
  /** Live, active hosts that serve it, whether they have room or not. */
  liveHosts: number;
}

export interface HostMeasure {
  id: string;
  state: HostState;
  alive: boolean;
  /** Since its lease was renewed last. */
  renewalAgeMs: number;
  /** Attempts that it has a lease for. */
  heldAttempts: number;
  capacity: Capacity;
  reserved: Capacity;
}

/** Connections of this process to the database, now. */
export interface ConnectionUse {
  busy: number;
  idle: number;
  /** Callers that wait for one. */
  waiting: number;
}
