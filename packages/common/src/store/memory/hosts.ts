import { SolsticeError } from '../../errors/index.js';
import { attemptOf, parseAttemptId } from '../../flow/index.js';
import type { CancelWish, HostRecord, HostStore } from '../port/index.js';
import {
  cancelWishOf,
  checkRemovable,
  isChange,
  nameTakenText,
  noSuchHost,
  reapedDetail,
  replacedDetail,
  sumReserved,
  wishAt,
} from '../projection/index.js';
import { handle } from './commit-events.js';
import type { Core } from './core.js';
import type { HostRow } from './tables.js';

export function hostRecord(core: Core, row: HostRow): HostRecord {
  const { keyHash: _keyHash, renewals: _renewals, ...host } = row;
  const workers = [...core.tables.workers.values()].filter((worker) => worker.hostId === row.id);
  return {
    ...host,
    renewalAgeMs: Math.max(0, core.now().getTime() - row.renewedAt.getTime()),
    reserved: sumReserved(workers.map((worker) => worker.resources)),
    alive: row.leaseUntil > core.now(),
  };
}

/** The host's row, if it is this process that has it. */
export function requireInstance(core: Core, id: string, instance: string): HostRow {
  const row = core.tables.hosts.get(id);
  if (row?.instance !== instance) {
    throw new SolsticeError('host-replaced', `host ${id} belongs to another process`);
  }
  return row;
}

export function leasesOf(core: Core, hostId: string): { attemptId: string; workerId: string }[] {
  return [...core.tables.leases.entries()]
    .filter(([, lease]) => lease.fence.hostId === hostId)
    .map(([attemptId, lease]) => ({ attemptId, workerId: lease.workerId }));
}

export function cancelsOf(core: Core, hostId: string): ({ attemptId: string } & CancelWish)[] {
  return leasesOf(core, hostId).flatMap(({ attemptId }) => {
    const run = core.tables.runs.get(parseAttemptId(attemptId)?.runId ?? '');
    const intent = (run && attemptOf(run.flow, attemptId))?.cancelRequested;
    return intent === undefined ? [] : [{ attemptId, ...cancelWishOf(intent) }];
  });
}

export class MemoryHosts implements HostStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  register(host: Parameters<HostStore['register']>[0]): Promise<HostRecord> {
    return this.#core.transact(() => {
      const now = this.#core.now();
      const stored = this.#core.tables.hosts.get(host.id);
      const sameKey = stored !== undefined && Buffer.compare(stored.keyHash, host.keyHash) === 0;
      if (stored !== undefined && !sameKey && stored.leaseUntil > now) {
        throw new SolsticeError('host-name-taken', nameTakenText(stored));
      }
      if (stored !== undefined && !sameKey) {
        this.#loseAll(host.id, replacedDetail(host.id));
        this.#removeWorkers(host.id);
      }
      const row: HostRow = {
        ...(stored?.stateChange !== undefined && { stateChange: stored.stateChange }),
        ...(stored?.drainUntil !== undefined && { drainUntil: stored.drainUntil }),
        ...(stored?.load !== undefined && { load: stored.load }),
        ...(host.version !== undefined && { version: host.version }),
        ...(host.machine !== undefined && { machine: host.machine }),
        id: host.id,
        instance: host.instance,
        state: stored?.state ?? 'active',
        renewedAt: now,
        capacity: host.capacity,
        pools: host.pools,
        notes: host.notes,
        leaseUntil: new Date(now.getTime() + host.leaseMs),
        registeredAt: stored?.registeredAt ?? now,
        keyHash: host.keyHash.slice(),
        renewals: (stored?.renewals ?? 0) + 1,
      };
      this.#core.tables.hosts.set(row.id, row);
      this.#adopt(host.id, host.instance);
      this.#core.touch(`host:${host.id}`);
      return hostRecord(this.#core, row);
    });
  }

  renew(request: Parameters<HostStore['renew']>[0]): ReturnType<HostStore['renew']> {
    return this.#core.transact(() => {
      const row = requireInstance(this.#core, request.id, request.instance);
      const now = this.#core.now();
      row.leaseUntil = new Date(now.getTime() + request.leaseMs);
      row.renewedAt = now;
      if (request.load !== undefined) row.load = request.load;
      row.renewals += 1;
      row.notes = request.notes;
      const leased = leasesOf(this.#core, request.id).map((lease) => lease.attemptId);
      return {
        cancel: cancelsOf(this.#core, request.id),
        gone: request.holding.filter((attemptId) => !leased.includes(attemptId)),
        unknown: leased.filter((attemptId) => !request.holding.includes(attemptId)),
        state: row.state,
        drainUntil: row.drainUntil,
        now,
      };
    });
  }

  list(): Promise<HostRecord[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.hosts.values()]
        .map((row) => hostRecord(this.#core, row))
        .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
    );
  }

  setState(id: string, change: Parameters<HostStore['setState']>[1]): Promise<HostRecord> {
    return this.#core.transact(() => {
      const row = this.#core.tables.hosts.get(id);
      if (row === undefined) throw noSuchHost(id);
      const now = this.#core.now();
      const wish = wishAt(change, now);
      if (isChange(row, wish)) {
        const { state, by, reason, drainUntil } = wish;
        row.state = state;
        row.stateChange = { by, ...(reason !== undefined && { reason }), at: now };
        if (drainUntil === undefined) delete row.drainUntil;
        else row.drainUntil = drainUntil;
        this.#core.send([{ kind: 'host', version: 1, hostId: id }]);
        this.#core.touch(`host:${id}`);
      }
      return hostRecord(this.#core, row);
    });
  }

  remove(id: string): Promise<void> {
    return this.#core.transact(() => {
      const row = this.#core.tables.hosts.get(id);
      if (row === undefined) throw noSuchHost(id);
      checkRemovable(id, { alive: row.leaseUntil > this.#core.now(), leases: leasesOf(this.#core, id).length });
      this.#removeWorkers(id);
      this.#core.tables.hosts.delete(id);
      this.#core.touch(`host:${id}`);
    });
  }

  renewals(): ReturnType<HostStore['renewals']> {
    return this.#core.transact(() =>
      [...this.#core.tables.hosts.values()].map(({ id, instance, renewals }) => ({
        id,
        instance,
        renewals,
        hasLeases: leasesOf(this.#core, id).length > 0,
        session: 'memory',
      })),
    );
  }

  reap(id: string, seen: { instance: string; renewals: number }): Promise<number> {
    return this.#core.transact(() => {
      const row = this.#core.tables.hosts.get(id);
      if (row?.instance !== seen.instance || row.renewals !== seen.renewals) {
        return 0;
      }
      return this.#loseAll(id, reapedDetail(id));
    });
  }

  leave(id: string, instance: string): Promise<void> {
    return this.#core.transact(() => {
      const row = this.#core.tables.hosts.get(id);
      if (row?.instance === instance) {
        row.leaseUntil = this.#core.now();
      }
    });
  }

  #removeWorkers(hostId: string): void {
    for (const worker of this.#core.tables.workers.values()) {
      if (worker.hostId === hostId) this.#core.tables.workers.delete(worker.id);
    }
  }

  #loseAll(hostId: string, detail: string): number {
    const leases = leasesOf(this.#core, hostId);
    for (const { attemptId } of leases) {
      handle(this.#core, parseAttemptId(attemptId)?.runId ?? '', { kind: 'lose', attemptId, detail });
    }
    return leases.length;
  }

  /** The new process may write for what its predecessor had; the predecessor no longer may. */
  #adopt(hostId: string, instance: string): void {
    for (const { attemptId, workerId } of leasesOf(this.#core, hostId)) {
      const lease = this.#core.tables.leases.get(attemptId);
      const worker = this.#core.tables.workers.get(workerId);
      if (lease !== undefined && worker !== undefined) {
        lease.fence = { ...lease.fence, instance, epoch: lease.fence.epoch + 1 };
        worker.fence = lease.fence;
      }
    }
  }
}
