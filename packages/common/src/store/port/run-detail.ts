import type {
  AttemptView,
  Cause,
  Decision,
  NodeSpec,
  NodeState,
  RerunOf,
  RunSpec,
  RunState,
} from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { SourceRef } from './new-runs.js';

export interface RunSummary {
  id: string;
  /** Counted from 1 in this installation; what people call it. */
  number: number;
  workflow: string;
  state: RunState;
  cause: Cause | undefined;
  source: SourceRef;
  trigger: { event: string; actor: string };
  pageKey: string;
  deliveryId: string | undefined;
  cancelRequested: { by: string; reason?: string; at: Date } | undefined;
  /** It does another run again. `number` is that one's; absent: it is not here. */
  rerun?: RerunOf & { number?: number };
  /** It waits for its turn in its concurrency group. */
  held?: true;
  /** Only where it was asked for: what it waits for that is no host. */
  waits?: RunWait[];
  createdAt: Date;
  startedAt: Date | undefined;
  endedAt: Date | undefined;
}

/** Something that a run waits for, for as long as it takes: nothing of it is on any host meanwhile. */
export interface RunWait {
  /** `gate`: people. `wait`: its time. `backoff`: the next attempt's. `held`: the others of its concurrency group. `blocked`: trust. */
  kind: 'gate' | 'wait' | 'backoff' | 'held' | 'blocked';
  /** Absent: the run itself waits. */
  nodeId?: string;
  /** In words, with until when. */
  text: string;
  /** When it ends by itself. Absent: it does not. */
  until?: Date;
}

export interface RunDetail extends RunSummary {
  /** The span that planned it. */
  trace?: TraceContext;
  spec: RunSpec;
  nodes: NodeRecord[];
}

export interface NodeRecord {
  id: string;
  name: string;
  kind: NodeSpec['kind'];
  state: NodeState;
  needs: string[];
  /** It stands in this branch, and goes on only if the branch took its side. */
  branch?: { id: string; side: 'then' | 'else' };
  /** It begins after all others, and only if something failed. */
  onFailure?: true;
  /** A condition, as it was written. */
  when?: string;
  /** Of a job, as far as it is known: one that reads what other nodes give is, when they have ended. */
  image?: string;
  /** The same of what a gate asks. */
  prompt?: string;
  /** It was not done again: the run in which it ended. Without a number: it is not here. */
  reusedFrom?: { runId: string; number?: number };
  cause: Cause | undefined;
  /** What it hands on, by name. */
  outputs?: Record<string, string>;
  /** It failed, and was allowed to. */
  tolerated?: true;
  /** Of a gate: what was said to it, and counts. */
  decisions?: readonly Decision[];
  /** For a state that is not terminal: what it waits for, and until when. */
  waitingFor: string | undefined;
  /** When that ends by itself, at the latest, if a timer of the run does it. */
  waitsUntil?: Date;
  /** For one that is queued, and could be claimed by now: why each host that there is does not take it. */
  hostAnswers?: HostAnswer[];
  attempts: AttemptRecord[];
}

export interface HostAnswer {
  hostId: string;
  /** As it goes on after the host's name: `does not serve pool large`. */
  reason: string;
}

export interface AttemptRecord extends AttemptView {
  steps: StepRecord[];
  /** The highest record of its runner that is stored. */
  durableSeq: number;
  logBytes: number;
}

export interface StepRecord {
  index: number;
  name: string;
  state: 'waiting' | 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'skipped';
  exitCode: number | undefined;
  signal: string | undefined;
  startedAt: Date | undefined;
  endedAt: Date | undefined;
}
