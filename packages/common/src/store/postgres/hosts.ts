import { SolsticeError } from '../../errors/index.js';
import { isRefusal } from '../../flow/index.js';
import type { HostRecord, HostStore } from '../port/index.js';
import {
  checkRemovable,
  isChange,
  nameTakenText,
  noSuchHost,
  reapedDetail,
  replacedDetail,
  wishAt,
} from '../projection/index.js';
import * as sql from '../sql/hosts.js';
import * as workers from '../sql/workers.js';
import type { Database, Transaction } from './database.js';
import { type RunCommands, runIdOf } from './run-commands.js';

export class PostgresHosts implements HostStore {
  readonly #db: Database;
  /** Connections of their own: a renewal must not wait behind a busy pool until the lease is over. */
  readonly #renewals: Database;
  readonly #commands: RunCommands;

  constructor(db: Database, renewals: Database, commands: RunCommands) {
    this.#db = db;
    this.#renewals = renewals;
    this.#commands = commands;
  }

  register(host: Parameters<HostStore['register']>[0]): Promise<HostRecord> {
    return this.#db.transaction(async (tx) => {
      const change = { ...host, leaseUntil: new Date(tx.now.getTime() + host.leaseMs) };
      const stored = await this.#insertOrLock(tx, change);
      if (stored !== undefined) {
        const sameKey = Buffer.compare(stored.key_hash, host.keyHash) === 0;
        if (!sameKey && stored.lease_until > tx.now) {
          throw new SolsticeError('host-name-taken', nameTakenText(await this.#read(tx, host.id)));
        }
        if (!sameKey) {
          await this.#loseAll(tx, host.id, replacedDetail(host.id));
          await workers.deleteWorkersOf(tx, host.id);
        }
        await sql.replaceHost(tx, change, tx.now);
        await workers.adoptLeases(tx, host.id, host.instance);
      }
      tx.touch(`host:${host.id}`);
      return await this.#read(tx, host.id);
    });
  }

  /** The row that there was, locked. Undefined: there was none, and now it is this. */
  async #insertOrLock(tx: Transaction, host: sql.HostChange): Promise<sql.HostRow | undefined> {
    for (;;) {
      if (await sql.insertHost(tx, host, tx.now)) return undefined;
      const stored = await sql.lockHost(tx, host.id);
      // Gone again: an operator removed it while its lock was waited for.
      if (stored !== undefined) return stored;
    }
  }

  renew(request: Parameters<HostStore['renew']>[0]): ReturnType<HostStore['renew']> {
    return this.#renewals.transaction(async (tx) => {
      const { id, leaseMs, holding } = request;
      const leaseUntil = new Date(tx.now.getTime() + leaseMs);
      const host = await sql.renewHost(tx, { ...request, leaseUntil }, tx.now);
      if (host === undefined) {
        throw new SolsticeError('host-replaced', `host ${id} belongs to another process`);
      }
      const leased = new Set(await workers.leasedAttempts(tx, id));
      const held = new Set(holding);
      return {
        cancel: await workers.readCancels(tx, id),
        gone: holding.filter((attemptId) => !leased.has(attemptId)),
        unknown: [...leased].filter((attemptId) => !held.has(attemptId)),
        state: host.state,
        drainUntil: host.drain_until ?? undefined,
        now: tx.now,
      };
    });
  }

  list(): Promise<HostRecord[]> {
    return this.#db.direct(async (db, now) => sql.readHosts(db, await now()));
  }

  setState(id: string, change: Parameters<HostStore['setState']>[1]): Promise<HostRecord> {
    return this.#db.transaction(async (tx) => {
      // The lock that a claim takes too: whoever claims after this sees the new state.
      const host = await sql.lockHost(tx, id);
      if (host === undefined) throw noSuchHost(id);
      const wish = wishAt(change, tx.now);
      if (isChange(sql.hostState(host), wish)) {
        await sql.updateState(tx, id, wish, tx.now);
        await tx.send([{ kind: 'host', version: 1, hostId: id }]);
        tx.touch(`host:${id}`);
      }
      return await this.#read(tx, id);
    });
  }

  remove(id: string): Promise<void> {
    return this.#db.transaction(async (tx) => {
      const host = await sql.lockHost(tx, id);
      if (host === undefined) throw noSuchHost(id);
      checkRemovable(id, {
        alive: host.lease_until > tx.now,
        leases: (await workers.leasedAttempts(tx, id)).length,
      });
      await workers.deleteWorkersOf(tx, id);
      await sql.deleteHost(tx, id);
      tx.touch(`host:${id}`);
    });
  }

  renewals(): ReturnType<HostStore['renewals']> {
    return this.#renewals.direct(sql.readRenewals);
  }

  reap(id: string, seen: { instance: string; renewals: number }): Promise<number> {
    return this.#db.transaction(async (tx) => {
      const host = await sql.lockHost(tx, id);
      if (host?.instance !== seen.instance || host.renewals !== seen.renewals) return 0;
      return await this.#loseAll(tx, id, reapedDetail(id));
    });
  }

  leave(id: string, instance: string): Promise<void> {
    return this.#db.direct(async (db, now) => sql.endHostLease(db, id, instance, await now()));
  }

  async #read(tx: Transaction, id: string): Promise<HostRecord> {
    const found = (await sql.readHosts(tx, tx.now)).find((host) => host.id === id);
    if (found === undefined) throw new SolsticeError('internal', `host ${id} was not stored`);
    return found;
  }

  /** Under the host's lock. Runs are locked in the order of their ids, as by everyone who locks several. */
  async #loseAll(tx: Transaction, hostId: string, detail: string): Promise<number> {
    const byRun = new Map<string, string[]>();
    for (const attemptId of await workers.leasedAttempts(tx, hostId)) {
      const runId = runIdOf(attemptId);
      byRun.set(runId, [...(byRun.get(runId) ?? []), attemptId]);
    }
    let lost = 0;
    for (const [runId, attemptIds] of [...byRun].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const run = await this.#commands.require(tx, runId);
      for (const attemptId of attemptIds) {
        const outcome = await this.#commands.handle(tx, run, { kind: 'lose', attemptId, detail });
        // Refused: it ended while its run was waited for.
        if (!isRefusal(outcome)) lost += 1;
      }
    }
    return lost;
  }
}
