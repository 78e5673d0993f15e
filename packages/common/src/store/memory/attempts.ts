import { SolsticeError } from '../../errors/index.js';
import { type AttemptResult, attemptOf, type Command, parseAttemptId, type WorkerProblem } from '../../flow/index.js';
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
import { claim, claimOf } from './claims.js';
import { appendChunk, handle } from './commit-events.js';
import type { Core } from './core.js';
import { cancelsOf } from './hosts.js';
import type { AttemptRow, WorkerRow } from './tables.js';

export class MemoryAttempts implements AttemptStore {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  claim(request: ClaimRequest): Promise<Claim | undefined> {
    return this.#core.transact(() => claim(this.#core, request));
  }

  start(fence: Fence): Promise<StartOutcome> {
    const { attemptId } = fence;
    return this.#core.transact(() => {
      this.#requireFence(fence);
      return startedWith(this.#handle({ kind: 'start', attemptId }), attemptId, this.#core.now());
    });
  }

  finish(fence: Fence, result: AttemptResult): Promise<CommandOutcome> {
    return this.#core.transact(() => {
      const { attemptId } = fence;
      if (!this.#core.tables.leases.has(attemptId)) {
        const run = this.#core.tables.runs.get(parseAttemptId(attemptId)?.runId ?? '');
        const attempt = run && attemptOf(run.flow, attemptId);
        const worker = this.#core.tables.workers.get(attempt?.workerId ?? '');
        if (run && attempt && worker && sameFence(worker.fence, fence) && isRepeatedFinish(attempt, result)) {
          return { events: [], state: run.flow };
        }
      }
      this.#requireFence(fence);
      return this.#handle({ kind: 'finish', attemptId, result });
    });
  }

  refuse(fence: Fence, detail: string, retryable: boolean, problem?: WorkerProblem): Promise<CommandOutcome> {
    const { attemptId } = fence;
    return this.#fenced(fence, { kind: 'refuse', attemptId, detail, retryable, ...(problem && { problem }) });
  }

  lose(fence: Fence, detail: string): Promise<CommandOutcome> {
    return this.#fenced(fence, { kind: 'lose', attemptId: fence.attemptId, detail });
  }

  openSession(workerId: string, tokenHash: Uint8Array, sessionHash: Uint8Array): Promise<boolean> {
    return this.#core.transact(() => {
      const worker = this.#core.tables.workers.get(workerId);
      if (worker === undefined || !this.#isLive(worker) || Buffer.compare(worker.tokenHash, tokenHash) !== 0) {
        return false;
      }
      worker.sessionHash ??= sessionHash.slice();
      return Buffer.compare(worker.sessionHash, sessionHash) === 0;
    });
  }

  record(fence: Fence, records: readonly RunnerRecord[]): Promise<{ durableSeq: number }> {
    return this.#core.transact(() => {
      this.#requireFence(fence);
      const row = this.#attempt(fence.attemptId);
      for (const record of freshRecords(row.durableSeq, records)) {
        this.#store(fence.attemptId, row, record);
      }
      this.#core.touch(`attempt:${fence.attemptId}`);
      return { durableSeq: row.durableSeq };
    });
  }

  #store(attemptId: string, row: AttemptRow, record: RunnerRecord): void {
    if (isLog(record)) {
      const { seq, step, stream, at } = record;
      appendChunk(row, { seq, step, stream, at, data: record.data.slice() });
      return;
    }
    row.durableSeq = record.seq;
    const change = stepChange(record);
    if (change !== undefined) {
      row.steps = row.steps.map((step) => (step.index === change.index ? { ...step, ...change } : step));
      this.#core.touch(`run:${parseAttemptId(attemptId)?.runId}`);
    }
  }

  durableSeq(attemptId: string): Promise<number> {
    return this.#core.transact(() => this.#core.tables.attempts.get(attemptId)?.durableSeq ?? 0);
  }

  releaseWorker(workerId: string): Promise<void> {
    return this.#core.transact(() => {
      const worker = this.#core.tables.workers.get(workerId);
      if (worker !== undefined && this.#isLive(worker)) {
        this.#handle({ kind: 'lose', attemptId: worker.attemptId, detail: RELEASED_DETAIL });
      }
      this.#core.tables.workers.delete(workerId);
    });
  }

  workers(hostId: string): Promise<WorkerRecord[]> {
    return this.#core.transact(() =>
      [...this.#core.tables.workers.values()]
        .filter((worker) => worker.hostId === hostId)
        .map((worker) => {
          const attemptLive = this.#isLive(worker);
          const { id, attemptId, offer, fence } = worker;
          return { id, hostId, attemptId, pool: offer.name, attemptLive, epoch: attemptLive ? fence.epoch : undefined };
        }),
    );
  }

  claimOf(workerId: string): Promise<Claim | undefined> {
    return this.#core.transact(() => claimOf(this.#core, workerId, true));
  }

  cancelRequested(hostId: string): ReturnType<AttemptStore['cancelRequested']> {
    return this.#core.transact(() => cancelsOf(this.#core, hostId));
  }

  #fenced(fence: Fence, command: Command): Promise<CommandOutcome> {
    return this.#core.transact(() => {
      this.#requireFence(fence);
      return this.#handle(command);
    });
  }

  #requireFence(fence: Fence): void {
    const lease = this.#core.tables.leases.get(fence.attemptId);
    if (lease === undefined || !sameFence(lease.fence, fence)) {
      throw new SolsticeError('fence-lost', `attempt ${fence.attemptId} was taken from host ${fence.hostId}`);
    }
  }

  #isLive(worker: WorkerRow): boolean {
    return this.#core.tables.leases.get(worker.attemptId)?.workerId === worker.id;
  }

  #handle(command: Command): CommandOutcome {
    const attemptId = 'attemptId' in command ? command.attemptId : '';
    return handle(this.#core, parseAttemptId(attemptId)?.runId ?? '', command);
  }

  #attempt(attemptId: string): AttemptRow {
    const row = this.#core.tables.attempts.get(attemptId);
    if (row === undefined) {
      throw new SolsticeError('internal', `there is no attempt ${attemptId}`);
    }
    return row;
  }
}

function sameFence(a: Fence, b: Fence): boolean {
  return a.attemptId === b.attemptId && a.hostId === b.hostId && a.instance === b.instance && a.epoch === b.epoch;
}
