import type { NodeState, ResolvedJob } from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { Capacity, PoolOffer } from './hosts.js';
import type { SourceRef } from './new-runs.js';

export interface ClaimRequest {
  hostId: string;
  instance: string;
  /** The same id again gives the same claim. */
  requestId: string;
  /** Made by the caller before the claim, so that a crash after it leaves a name to look for. */
  workerId: string;
  /** SHA-256 of the worker's single-use token. */
  tokenHash: Uint8Array;
  pools: PoolOffer[];
  capacity: Capacity;
}

export interface Claim {
  fence: Fence;
  workerId: string;
  runId: string;
  runNumber: number;
  nodeId: string;
  attemptNumber: number;
  /** With every text as it came to. */
  job: ResolvedJob;
  pool: PoolOffer;
  /** What was reserved for it, and is what its worker may use: the job's own, else the pool's. */
  resources: Resources;
  source: SourceRef;
  trigger: { event: string; actor: string };
  workflow: string;
  /** As `${branch}` has it: of a pull request the one that is to be merged. Absent: the event has none. */
  branch?: string;
  /** Of a pull request, and of a comment on one. `base`: the branch that it is to be merged into. */
  pullRequest?: { number: number; base: string };
  /** True when the same request id claimed it before: the worker may exist already. */
  repeated: boolean;
  /** True when the attempt is `running`: its assignment was sent (after a restart). False for a fresh claim. */
  started: boolean;
  /** What the job needs, as it ended: each node by its id, and several that share one in the workflow by that. */
  needs: Record<string, NeedResult>;
  /** Of the node's deadline, when this was answered; 0: it is over. Absent: there is none. */
  deadlineLeftMs?: number;
  /** What the conditions of its steps may read, as plain JSON, and what `changed()` answers. Absent: no step has one. */
  conditions?: { context: Record<string, unknown>; changed: Record<string, boolean> };
  /** How long the steps that have a deadline ran in earlier attempts, by their index. Absent: none of them has. */
  stepMsUsed?: Record<number, number>;
  /** Both by the store's clock. */
  queuedAt: Date;
  claimedAt: Date;
  /** Of the run. */
  trace?: TraceContext;
}

/** What a job may know of a node that it needs. */
export interface NeedResult {
  result: NodeState;
  /** Its cause, in words. */
  reason?: string;
  outputs: Record<string, string>;
}

export interface Resources {
  cpus: number;
  memoryBytes: number;
}

/** What lets a process write for an attempt. Its row is compared in the same transaction as the write. */
export interface Fence {
  attemptId: string;
  hostId: string;
  instance: string;
  epoch: number;
}

export interface WorkerRecord {
  id: string;
  hostId: string;
  attemptId: string;
  pool: string;
  /** False: its attempt has ended or was taken; it is only waiting to be destroyed. */
  attemptLive: boolean;
  epoch: number | undefined;
}
