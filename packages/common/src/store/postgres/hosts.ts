import { SolsticeError } from '../../errors/index.js';
import { isRefusal } from '../../flow/index.js';
import { reapedDetail, replacedDetail } from '../projection/index.js';
import type { HostRecord } from '../records.js';
import * as sql from '../sql/hosts.js';
import * as workers from '../sql/workers.js';
import type { HostStore } from '../store.js';
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
      if (!(await sql.insertHost(tx, change, tx.now))) {
        const stored = await sql.lockHost(tx, host.id);
        const sameKey = stored !== undefined && Buffer.compare(stored.key_hash, host.keyHash) === 0;
        if (stored !== undefined && !sameKey && stored.lease_until > tx.now) {
          throw new SolsticeError('host-name-taken', `host ${host.id} is alive, and has another key`);
        }
        if (!sameKey) {
          await this.#loseAll(tx, host.id, replacedDetail(host.id));
          await workers.deleteWorkersOf(tx, host.id);
        }
        await sql.replaceHost(tx, change);
        await workers.adoptLeases(tx, host.id, host.instance);
      }
      const registered = (await sql.readHosts(tx, tx.now)).find(({ id }) => id === host.id);
      if (registered === undefined) throw new SolsticeError('internal', `host ${host.id} was not stored`);
      return registered;
    });
  }

  renew(request: Parameters<HostStore['renew']>[0]): ReturnType<HostStore['renew']> {
    return this.#renewals.transaction(async (tx) => {
      const { id, instance, leaseMs, holding, notes } = request;
      const leaseUntil = new Date(tx.now.getTime() + leaseMs);
      if (!(await sql.renewHost(tx, { id, instance, notes, leaseUntil }))) {
        throw new SolsticeError('host-replaced', `host ${id} belongs to another process`);
      }
      const leased = new Set(await workers.leasedAttempts(tx, id));
      const held = new Set(holding);
      return {
        cancel: await workers.readCancels(tx, id),
        gone: holding.filter((attemptId) => !leased.has(attemptId)),
        unknown: [...leased].filter((attemptId) => !held.has(attemptId)),
      };
    });
  }

  list(): Promise<HostRecord[]> {
    return this.#db.direct(async (db, now) => sql.readHosts(db, await now()));
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
