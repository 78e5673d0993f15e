import type { CancelWish } from './enclosing.js';

export interface Capacity {
  cpus: number;
  memoryBytes: number;
  slots: number;
}

/** One pool as a host serves it. */
export interface PoolOffer {
  /** `*` serves every pool that nobody else serves. */
  name: string;
  backend: 'container' | 'process';
  /** The image of a job that names none. */
  image: string | undefined;
  /** What one job takes. */
  cpus: number;
  memoryBytes: number;
  /** Only for runs that are trusted; all are, so far. */
  trustedOnly?: true;
}

/**
 * `cordoned`: takes no new work; what runs goes on. `draining`: the same, and where a deadline was set, what still runs
 * then is handed back. Set by operators; a restart of the host's process changes nothing.
 */
export type HostState = 'active' | 'draining' | 'cordoned';

/** As the host last told it. */
export interface HostLoad {
  /** The load average of the last minute. */
  load1: number;
  memoryFreeBytes: number;
  /** Where its workers and its source mirror are. */
  diskFreeBytes: number;
}

export interface HostStateChange {
  by: string;
  reason?: string;
  at: Date;
}

export interface HostRecord {
  id: string;
  instance: string;
  state: HostState;
  /** The last change of the state. Absent: there was none, it is active since it registered. */
  stateChange?: HostStateChange;
  /** Of a draining host: from then on its work is handed back. Absent: it may take its time. */
  drainUntil?: Date;
  capacity: Capacity;
  pools: PoolOffer[];
  /** Sum over its worker rows. */
  reserved: Capacity;
  /** Health of its backends, as the host last told it. */
  notes: string[];
  load?: HostLoad;
  leaseUntil: Date;
  /** When its lease was renewed last; its registration counts. */
  renewedAt: Date;
  /** Since then, by the store's clock. */
  renewalAgeMs: number;
  alive: boolean;
  registeredAt: Date;
  /** Of the Solstice that runs there. */
  version?: string;
  /** The machine's own name and the process, as it told them when it registered. */
  machine?: string;
}

export interface HostStore {
  /**
   * Registers or takes over (`keyHash` equal): sets the instance, raises the epoch of its leases. Refuses
   * (`host-name-taken`) while the lease of another key is alive; after that the name is taken over by the new machine:
   * what the old one held is lost, and its worker rows go. Its state stays as an operator set it: a drained host that
   * comes back is drained.
   */
  register(host: {
    id: string;
    keyHash: Uint8Array;
    instance: string;
    capacity: Capacity;
    pools: PoolOffer[];
    notes: string[];
    leaseMs: number;
    version?: string;
    /** Where the process runs, for whoever meets it as the holder of a name. */
    machine?: string;
  }): Promise<HostRecord>;
  /**
   * Renews the lease and compares what the host believes it holds with what is stored. Rejects `host-replaced`.
   * cancel: ask the runner to stop. gone: not (any more) this host's: destroy it. unknown: this host's by the store,
   * but not in its list: make the worker, or lose it. state, drainUntil: what an operator wishes of the host; handing
   * work back when the time is over is the host's own doing.
   */
  renew(request: {
    id: string;
    instance: string;
    leaseMs: number;
    holding: string[];
    notes: string[];
    /** Absent: what is stored stays. */
    load?: HostLoad;
  }): Promise<{
    cancel: ({ attemptId: string } & CancelWish)[];
    gone: string[];
    unknown: string[];
    state: HostState;
    drainUntil: Date | undefined;
    /** By the clock that `drainUntil` is meant by: the host's own may be wrong. */
    now: Date;
  }>;
  /** By id. */
  list(): Promise<HostRecord[]>;
  /**
   * An operator's wish; any state may follow any other. Takes effect with the commit: no claim of this host succeeds
   * after it, unless it is `active`. The same state with the same deadline and no other reason changes nothing. A
   * change sends a `host` message and tells `host:<id>`. Rejects `not-found`; `refused` for a deadline of another state
   * than `draining`.
   */
  setState(
    id: string,
    change: {
      state: HostState;
      by: string;
      reason?: string;
      drainUntil?: Date;
      /** Instead: so long from now on, by the store's clock, which is that of all hosts. */
      drainForMs?: number;
    },
  ): Promise<HostRecord>;
  /**
   * Forgets a host that is gone for good, with the workers that it had. Rejects `not-found`, and `host-alive` while its
   * lease is alive, or while it holds attempts that the reaper has not taken yet.
   */
  remove(id: string): Promise<void>;
  /**
   * Hosts with their renewal counters: the reaper compares two looks, a full lease apart by its own clock. `session`
   * names the connection that was asked: another one means that the store was away in between, for the hosts too.
   */
  renewals(): Promise<{ id: string; instance: string; renewals: number; hasLeases: boolean; session: string }[]>;
  /** Checks under the host's lock that `renewals` is still the number seen, then loses all its attempts. Answers how many. */
  reap(id: string, seen: { instance: string; renewals: number }): Promise<number>;
  /** Orderly end: the lease is over at once; the workers stay for the next process with the same key. Of another instance: nothing. */
  leave(id: string, instance: string): Promise<void>;
}
