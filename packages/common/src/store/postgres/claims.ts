import { isDeepStrictEqual } from 'node:util';
import { SolsticeError } from '../../errors/index.js';
import { type AttemptView, isRefusal } from '../../flow/index.js';
import { claimFor, fitOf, type HostView, resourcesOf } from '../projection/index.js';
import type { Claim, Fence, HostRecord, PoolOffer } from '../records.js';
import * as attempts from '../sql/attempts.js';
import * as hosts from '../sql/hosts.js';
import * as workers from '../sql/workers.js';
import type { ClaimRequest } from '../store.js';
import type { Database, Transaction } from './database.js';
import type { LockedRun, RunCommands } from './run-commands.js';

/** How many of the oldest attempts of a pool one look takes in. */
const candidatesPerPool = 16;
/** Each round that gives nothing has waited for somebody who took something. The sweep looks again. */
const maxRounds = 50;

export class Claims {
  readonly #db: Database;
  readonly #commands: RunCommands;

  constructor(db: Database, commands: RunCommands) {
    this.#db = db;
    this.#commands = commands;
  }

  /**
   * The host's row is locked first, so a host gives away its room one claim at a time; then the run's. A run that
   * another transaction has is passed over while there is another, else waited for.
   */
  claim(request: ClaimRequest): Promise<Claim | undefined> {
    return this.#db.transaction(async (tx) => {
      const host = await hosts.lockHost(tx, request.hostId);
      if (host?.instance !== request.instance) {
        throw new SolsticeError('host-replaced', `host ${request.hostId} belongs to another process`);
      }
      const before = await attempts.attemptOfRequest(tx, request.hostId, request.requestId);
      if (before !== undefined) return await this.claimOf(tx, before.workerId);
      const offer = { pools: request.pools, capacity: request.capacity };
      if (!isDeepStrictEqual(hosts.hostOffer(host), offer)) await hosts.updateOffer(tx, request.hostId, offer);
      const all = await hosts.readHosts(tx, tx.now);
      const own = all.find(({ id }) => id === request.hostId);
      return own === undefined ? undefined : await this.#look(tx, request, own, all);
    });
  }

  async #look(
    tx: Transaction,
    request: ClaimRequest,
    own: HostRecord,
    all: readonly HostView[],
  ): Promise<Claim | undefined> {
    const pools = (await attempts.queuedPools(tx)).filter(
      (pool) => fitOf({ pool, notBefore: 0, avoidHosts: [] }, own, all, tx.now).fits,
    );
    const look = { pools, hostId: own.id, now: tx.now, limit: candidatesPerPool };
    for (let round = 0; round < maxRounds; round += 1) {
      const candidates = (pools.length === 0 ? [] : await attempts.queuedCandidates(tx, look)).filter(
        (one) => fitOf({ ...one, notBefore: 0 }, own, all, tx.now).fits,
      );
      const first = candidates[0];
      if (first === undefined) return undefined;
      const tried = new Set<string>();
      for (const { runId } of candidates) {
        if (tried.has(runId)) continue;
        tried.add(runId);
        const run = await this.#commands.lock(tx, runId, { skipLocked: true });
        const claim = run && (await this.#takeFrom(tx, request, run, own, all));
        if (claim !== undefined) return claim;
      }
      // All are held by others just now. After waiting for the oldest there may be something left of it, or of the
      // rest: those who held them have taken what they took.
      const run = await this.#commands.lock(tx, first.runId);
      const claim = run && (await this.#takeFrom(tx, request, run, own, all));
      if (claim !== undefined) return claim;
    }
    return undefined;
  }

  /** The first queued attempt of a run that fits, now that nobody else can take it. */
  async #takeFrom(
    tx: Transaction,
    request: ClaimRequest,
    run: LockedRun,
    own: HostRecord,
    all: readonly HostView[],
  ): Promise<Claim | undefined> {
    for (const attempt of Object.values(run.flow.attempts)) {
      if (attempt.state !== 'queued') continue;
      const fit = fitOf(attempt, own, all, tx.now);
      if (fit.fits) return await this.#take(tx, request, run, attempt, fit.pool);
    }
    return undefined;
  }

  async #take(
    tx: Transaction,
    request: ClaimRequest,
    run: LockedRun,
    attempt: AttemptView,
    offer: PoolOffer,
  ): Promise<Claim> {
    const { hostId, workerId, requestId, instance, tokenHash } = request;
    const attemptId = attempt.id;
    if ((await workers.readWorker(tx, workerId)) !== undefined) {
      throw new SolsticeError('internal', `worker ${workerId} was claimed for before`);
    }
    const outcome = await this.#commands.handle(tx, run, { kind: 'claim', attemptId, hostId, workerId, requestId });
    if (isRefusal(outcome)) {
      throw new SolsticeError('internal', `a queued attempt could not be claimed: ${outcome.reason}`);
    }
    const fence: Fence = { attemptId, hostId, instance, epoch: 1 };
    const job = run.flow.spec.nodes.find(({ id }) => id === attempt.nodeId);
    const worker = { id: workerId, fence, offer, resources: resourcesOf(job ?? {}, offer) };
    await workers.insertWorker(tx, { ...worker, tokenHash });
    return claimFor(run.flow, run.meta, worker, false);
  }

  /** What a claim said, again. Undefined: the worker's attempt is over, or elsewhere. */
  async claimOf(tx: Transaction, workerId: string): Promise<Claim | undefined> {
    const before = await workers.readWorker(tx, workerId);
    if (before === undefined) return undefined;
    const run = await this.#commands.lockOfAttempt(tx, before.fence.attemptId);
    // Read again under the run's lock: its end may have come in between.
    const worker = run && (await workers.readWorker(tx, workerId));
    return run === undefined || worker?.live !== true ? undefined : claimFor(run.flow, run.meta, worker, true);
  }
}
