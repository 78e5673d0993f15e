import { SolsticeError } from '../../errors/index.js';
import { type AttemptResult, attemptOf, type Command, type WorkerProblem } from '../../flow/index.js';
import type {
  AttemptStore,
  Claim,
  ClaimRequest,
  CommandOutcome,
  Fence,
  RunnerRecord,
  StartOutcome,
  WorkerRecord,
} from '../port/index.js';
import {
  freshRecords,
  isLog,
  isRepeatedFinish,
  RELEASED_DETAIL,
  startedWith,
  stepChange,
} from '../projection/index.js';
import * as logs from '../sql/logs.js';
import * as sql from '../sql/workers.js';
import type { Claims } from './claims.js';
import type { Database, Transaction } from './database.js';
import { type LockedRun, type RunCommands, runIdOf } from './run-commands.js';

export class PostgresAttempts implements AttemptStore {
  readonly #db: Database;
  readonly #commands: RunCommands;
  readonly #claims: Claims;

  constructor(db: Database, commands: RunCommands, claims: Claims) {
    this.#db = db;
    this.#commands = commands;
    this.#claims = claims;
  }

  claim(request: ClaimRequest): Promise<Claim | undefined> {
    return this.#claims.claim(request);
  }

  claimOf(workerId: string): Promise<Claim | undefined> {
    return this.#db.transaction((tx) => this.#claims.claimOf(tx, workerId));
  }

  start(fence: Fence): Promise<StartOutcome> {
    const { attemptId } = fence;
    return this.#db.transaction(async (tx) =>
      startedWith(await this.#fencedIn(tx, fence, { kind: 'start', attemptId }), attemptId, tx.now),
    );
  }

  finish(fence: Fence, result: AttemptResult): Promise<CommandOutcome> {
    const { attemptId } = fence;
    return this.#db.transaction(async (tx) => {
      const run = await this.#commands.lockOfAttempt(tx, attemptId);
      if (run !== undefined && (await sql.lockLease(tx, fence, 'update'))) {
        return await this.#commands.handle(tx, run, { kind: 'finish', attemptId, result });
      }
      if (run !== undefined && (await isRepetition(tx, run, fence, result))) return { events: [], state: run.flow };
      throw fenceLost(fence);
    });
  }

  refuse(fence: Fence, detail: string, retryable: boolean, problem?: WorkerProblem): Promise<CommandOutcome> {
    const { attemptId } = fence;
    return this.#fenced(fence, { kind: 'refuse', attemptId, detail, retryable, ...(problem && { problem }) });
  }

  lose(fence: Fence, detail: string): Promise<CommandOutcome> {
    return this.#fenced(fence, { kind: 'lose', attemptId: fence.attemptId, detail });
  }

  #fenced(fence: Fence, command: Command): Promise<CommandOutcome> {
    return this.#db.transaction((tx) => this.#fencedIn(tx, fence, command));
  }

  async #fencedIn(tx: Transaction, fence: Fence, command: Command): Promise<CommandOutcome> {
    const run = await this.#commands.lockOfAttempt(tx, fence.attemptId);
    if (run === undefined || !(await sql.lockLease(tx, fence, 'update'))) throw fenceLost(fence);
    return await this.#commands.handle(tx, run, command);
  }

  openSession(workerId: string, tokenHash: Uint8Array, sessionHash: Uint8Array): Promise<boolean> {
    // Repeating it gives the same answer, so a lost one does no harm.
    return this.#db.direct((db) => sql.bindSession(db, workerId, tokenHash, sessionHash));
  }

  record(fence: Fence, records: readonly RunnerRecord[]): Promise<{ durableSeq: number }> {
    return this.#db.transaction(async (tx) => {
      const { attemptId } = fence;
      const stored = await logs.lockProgress(tx, fence);
      if (stored === undefined) throw fenceLost(fence);
      const fresh = freshRecords(stored, records);
      const durableSeq = fresh.at(-1)?.seq;
      if (durableSeq === undefined) return { durableSeq: stored };
      const chunks = fresh.filter(isLog);
      await logs.insertChunks(tx, attemptId, chunks);
      const changes = fresh.map(stepChange).filter((change) => change !== undefined);
      for (const change of changes) await logs.changeStep(tx, attemptId, change);
      const addedBytes = chunks.reduce((sum, { data }) => sum + data.byteLength, 0);
      await logs.updateProgress(tx, attemptId, { durableSeq, addedBytes });
      tx.touch(`attempt:${attemptId}`);
      if (changes.length > 0) tx.touch(`run:${runIdOf(attemptId)}`);
      return { durableSeq };
    });
  }

  durableSeq(attemptId: string): Promise<number> {
    return this.#db.direct(async (db) => (await logs.readProgress(db, [attemptId])).get(attemptId)?.durableSeq ?? 0);
  }

  releaseWorker(workerId: string): Promise<void> {
    return this.#db.transaction(async (tx) => {
      const worker = await sql.readWorker(tx, workerId);
      if (worker?.live === true) {
        const { attemptId } = worker.fence;
        const run = await this.#commands.lockOfAttempt(tx, attemptId);
        // Read again under the run's lock: its end may have come in between.
        if (run !== undefined && (await sql.readWorker(tx, workerId))?.live === true) {
          await this.#commands.handle(tx, run, { kind: 'lose', attemptId, detail: RELEASED_DETAIL });
        }
      }
      await sql.deleteWorker(tx, workerId);
    });
  }

  workers(hostId: string): Promise<WorkerRecord[]> {
    return this.#db.direct((db) => sql.listWorkers(db, hostId));
  }

  cancelRequested(hostId: string): ReturnType<AttemptStore['cancelRequested']> {
    return this.#db.direct((db) => sql.readCancels(db, hostId));
  }
}

/** The same result from the same worker, whose answer was lost on the way. */
async function isRepetition(tx: Transaction, run: LockedRun, fence: Fence, result: AttemptResult): Promise<boolean> {
  const attempt = attemptOf(run.flow, fence.attemptId);
  const worker = await sql.readWorkerOfAttempt(tx, fence.attemptId);
  return (
    attempt !== undefined &&
    worker !== undefined &&
    !worker.live &&
    worker.fence.hostId === fence.hostId &&
    worker.fence.instance === fence.instance &&
    worker.fence.epoch === fence.epoch &&
    isRepeatedFinish(attempt, result)
  );
}

function fenceLost(fence: Fence): SolsticeError {
  return new SolsticeError('fence-lost', `attempt ${fence.attemptId} was taken from host ${fence.hostId}`);
}
