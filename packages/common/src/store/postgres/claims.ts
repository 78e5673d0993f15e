import { isDeepStrictEqual } from 'node:util';
import { SolsticeError } from '../../errors/index.js';
import { type AttemptView, attemptsOf, isRefusal, type RunFlow } from '../../flow/index.js';
import type { Claim, ClaimRequest, Fence, HostRecord } from '../port/index.js';
import {
  attemptsBefore,
  claimFor,
  type Fit,
  type Fleet,
  fitOf,
  stepMsUsed,
  waitingOf,
  waitingSteps,
} from '../projection/index.js';
import * as attempts from '../sql/attempts.js';
import * as hosts from '../sql/hosts.js';
import * as logs from '../sql/logs.js';
import { readKinds, readOldest } from '../sql/queue.js';
import * as workers from '../sql/workers.js';
import type { Database, Transaction } from './database.js';
import { keepHosts } from './keep-hosts.js';
import type { LockedRun, RunCommands } from './run-commands.js';

/** How many of the oldest that fit one look takes in: so many of them others may be taking just now. */
const candidateLimit = 16;
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
   * The host's row is locked first, so a host gives away its room one claim at a time; then kept hosts are written
   * (keepHosts); then the run is locked. A run that another transaction has is passed over while there is another, else
   * waited for.
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
    all: readonly HostRecord[],
  ): Promise<Claim | undefined> {
    const kinds = await readKinds(tx);
    if (kinds.length === 0) return undefined;
    const { fleet, keptForOwn } = await keepHosts(tx, all, kinds, own.id);
    const keys = kinds.filter(({ needs }) => fitOf({ ...needs, id: '', notBefore: 0 }, own, fleet).fits);
    const look = { keys: keys.map(({ key }) => key), now: tx.now, limit: candidateLimit };
    // Runs that this transaction has locked and found nothing in: nobody can add to them before it ends.
    const barren = new Set<string>();
    const takeFrom = async (runId: string, options: { skipLocked: boolean }): Promise<Claim | undefined> => {
      const run = await this.#commands.lock(tx, runId, options);
      const claim = run && (await this.#takeFrom(tx, request, run, own, fleet));
      if (run !== undefined && claim === undefined) barren.add(runId);
      return claim;
    };
    for (let round = 0; round < maxRounds; round += 1) {
      const candidates = await readOldest(tx, { ...look, exceptRuns: [...barren] });
      if (keptForOwn !== undefined && fitOf(keptForOwn.attempt, own, fleet).fits) {
        candidates.push(keptForOwn.queued);
      }
      const runIds = new Set(candidates.sort((a, b) => a.ordinal - b.ordinal).map(({ runId }) => runId));
      const left = [...runIds].filter((runId) => !barren.has(runId));
      const [first] = left;
      if (first === undefined) return undefined;
      for (const runId of left) {
        const claim = await takeFrom(runId, { skipLocked: true });
        if (claim !== undefined) return claim;
      }
      // All that are left are held by others just now. After waiting for the oldest there may be something left of it,
      // or of the rest: those who held them have taken what they took.
      if (barren.has(first)) continue;
      const claim = await takeFrom(first, { skipLocked: false });
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
    fleet: Fleet,
  ): Promise<Claim | undefined> {
    for (const attempt of attemptsOf(run.flow)) {
      if (attempt.state !== 'queued') continue;
      const fit = fitOf(waitingOf(run.flow, attempt), own, fleet);
      if (fit.fits) return await this.#take(tx, request, run, attempt, fit);
    }
    return undefined;
  }

  async #take(
    tx: Transaction,
    request: ClaimRequest,
    run: LockedRun,
    attempt: AttemptView,
    { pool: offer, resources }: Extract<Fit, { fits: true }>,
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
    const worker = { id: workerId, fence, offer, resources };
    await workers.insertWorker(tx, { ...worker, tokenHash });
    return claimFor(run.flow, run.meta, worker, await usedBefore(tx, run.flow, attemptId), false, tx.now);
  }

  /** What a claim said, again. Undefined: the worker's attempt is over, or elsewhere. */
  async claimOf(tx: Transaction, workerId: string): Promise<Claim | undefined> {
    const before = await workers.readWorker(tx, workerId);
    if (before === undefined) return undefined;
    const run = await this.#commands.lockOfAttempt(tx, before.fence.attemptId);
    // Read again under the run's lock: its end may have come in between.
    const worker = run && (await workers.readWorker(tx, workerId));
    if (run === undefined || worker?.live !== true) return undefined;
    return claimFor(run.flow, run.meta, worker, await usedBefore(tx, run.flow, worker.fence.attemptId), true, tx.now);
  }
}

async function usedBefore(
  tx: Transaction,
  flow: RunFlow,
  attemptId: string,
): Promise<Record<number, number> | undefined> {
  const { node, earlier } = attemptsBefore(flow, attemptId);
  if (node === undefined || earlier.length === 0) return undefined;
  const waiting = waitingSteps(node);
  const progress = await logs.readRunProgress(
    tx,
    earlier.map(({ id }) => ({ id, waiting })),
  );
  return stepMsUsed(
    node,
    earlier.map((attempt) => ({ attempt, steps: progress.get(attempt.id)?.steps ?? [] })),
  );
}
