import type { AttemptResult, WorkerProblem } from '../../flow/index.js';
import type { Claim, ClaimRequest, Fence, WorkerRecord } from './claims.js';
import type { CancelWish, StartOutcome } from './enclosing.js';
import type { RunnerRecord } from './logs.js';
import type { CommandOutcome } from './runs.js';

export interface AttemptStore {
  /**
   * The oldest queued attempt that fits the host (its pools and room, what the job takes, `place`, not-before passed,
   * host not avoided): event, reservation (worker row), lease and fence in one transaction. Undefined: nothing fits now.
   * Rejects with `host-replaced` when the host row has another instance. Undefined too when the host's lease is over,
   * when it is not `active`, and when the attempt that this request id claimed has ended since.
   * An attempt that could be claimed for a minute, and fits nowhere, has one host kept free for it by whichever host
   * asks next: that one takes other work only where it leaves the room. What does not fit, and why, is each node's
   * `waitingFor` and `hostAnswers`.
   */
  claim(request: ClaimRequest): Promise<Claim | undefined>;
  /** The runner is here and its assignment goes out. A Refusal (also: cancel requested) means: send none, destroy the worker. Rejects `fence-lost`. */
  start(fence: Fence): Promise<StartOutcome>;
  /**
   * The result, through the engine; deletes the lease. Repeating it after success, with the same fence and before the
   * worker is released, succeeds (without events). Rejects `fence-lost`.
   */
  finish(fence: Fence, result: AttemptResult): Promise<CommandOutcome>;
  /** The worker could not be made. Its log gets one line that says so. `problem`: which kind of reason, where it is known. */
  refuse(fence: Fence, detail: string, retryable: boolean, problem?: WorkerProblem): Promise<CommandOutcome>;
  /** The worker is gone, without a result. Its log gets a last line that says so, under the next number. */
  lose(fence: Fence, detail: string): Promise<CommandOutcome>;
  /** Compare-and-set: no session yet, or the same one. False: refused (unknown worker, another token or session, attempt over). */
  openSession(workerId: string, tokenHash: Uint8Array, sessionHash: Uint8Array): Promise<boolean>;
  /**
   * Stores records under the fence; idempotent on (attempt, seq). Answers the highest number that is durable.
   * Rejects `fence-lost`; `record-gap` when the first new number is not the next one.
   */
  record(fence: Fence, records: readonly RunnerRecord[]): Promise<{ durableSeq: number }>;
  durableSeq(attemptId: string): Promise<number>;
  /** After destroy() succeeded: the reservation ends. An attempt that the worker still holds is lost with it. Idempotent. */
  releaseWorker(workerId: string): Promise<void>;
  /** Every worker row of a host. */
  workers(hostId: string): Promise<WorkerRecord[]>;
  /** What a claim says, again, for a worker that is taken over after a restart. Undefined: its attempt is over or elsewhere. */
  claimOf(workerId: string): Promise<Claim | undefined>;
  /** Live attempts of this host whose run or attempt has a cancel intent. */
  cancelRequested(hostId: string): Promise<({ attemptId: string } & CancelWish)[]>;
}
