import type { AttemptResult, Cause, WorkerProblem } from './cause.js';
import type { RunSpec } from './spec.js';
import type {
  AttemptState,
  NodeState,
  RunState,
  TerminalAttemptState,
  TerminalNodeState,
  TerminalRunState,
} from './states.js';

/** What may be asked of a run. Every change of a run is one of these, decided under its lock. */
export type Command =
  | ({ kind: 'plan'; runId: string; spec: RunSpec } & Origin)
  | { kind: 'claim'; attemptId: string; hostId: string; workerId: string; requestId: string }
  /** The assignment goes to the runner now: from here on its steps may run. */
  | { kind: 'start'; attemptId: string }
  | { kind: 'finish'; attemptId: string; result: AttemptResult }
  | { kind: 'lose'; attemptId: string; detail: string }
  | { kind: 'refuse'; attemptId: string; detail: string; retryable: boolean; problem?: WorkerProblem }
  | { kind: 'cancel'; by: string; reason?: string }
  | ({ kind: 'decide'; requestId: string } & GateVerdict)
  /** Its turn in its concurrency group has come. */
  | { kind: 'admit' }
  /** This newer run of its concurrency group takes its place. */
  | { kind: 'supersede'; byRunId: string }
  /** It goes on in another installation. Refused while a host has anything of it. */
  | { kind: 'export'; by: string }
  /** A timer's time has come. One that is early, or for which there is nothing to do any more, changes nothing. */
  | { kind: 'fire'; key: string };

/** Where a run comes from, and whether it may begin. */
export interface Origin {
  /** It does another run again. */
  rerun?: RerunOf;
  /** Nodes that are not done again, as they ended there. */
  reused?: Record<string, ReusedNode>;
  /** Planned, but others of its concurrency group come first. Nothing of it begins before `admit`. */
  held?: true;
  /** A newer run of its concurrency group was planned before it. It never begins. */
  supersededBy?: string;
}

export interface RerunOf {
  /** A run's id. */
  of: string;
  /** Counts from 1, the first time. */
  generation: number;
  /** Who asked for it. */
  by: string;
}

export interface ReusedNode {
  /** The run in which it ran. */
  runId: string;
  state: TerminalNodeState;
  cause?: Cause;
  outputs?: Record<string, string>;
  tolerated?: true;
  /** Of a gate. */
  decisions?: readonly Decision[];
}

/** What somebody says to a gate. */
export interface GateVerdict {
  nodeId: string;
  verdict: 'approve' | 'reject';
  /** As approvers are called, without `user:`. */
  by: string;
  /** Those that they are in, without `team:`. */
  teams: string[];
  /** As they were typed; the engine checks them. */
  inputs: Record<string, string>;
  reason?: string;
}

/** Why a run is being ended, where nobody asked for it. */
export type EndingReason =
  | { kind: 'superseded'; runId: string }
  | { kind: 'deadline'; limitMs: number }
  /** Of one branch only. What it takes with it has timed out. */
  | { kind: 'branch'; branchId: string; limitMs: number }
  | { kind: 'exported' };

/** What happened. Append-only; `evolve` gives it its meaning. JSON-serialisable; `at` is Unix milliseconds. */
export type FlowEvent = { seq: number; at: number } & FlowEventBody;
export type FlowEventBody =
  | ({ kind: 'run.planned'; runId: string; spec: RunSpec } & Omit<Origin, 'supersededBy'>)
  | { kind: 'run.admitted' }
  | { kind: 'run.started' }
  /** From here on everything of it is cancelled. `because`: nobody asked for it, and the run ends as that says. */
  | { kind: 'run.cancel-requested'; by: string; reason?: string; because?: EndingReason }
  | { kind: 'run.ended'; state: TerminalRunState; cause?: Cause }
  /** `texts`: what its late texts came to, in their order; for all attempts that follow. */
  | { kind: 'node.readied'; nodeId: string; texts?: string[] }
  | { kind: 'node.started'; nodeId: string }
  | { kind: 'gate.decided'; nodeId: string; decision: Decision }
  | {
      kind: 'node.ended';
      nodeId: string;
      state: TerminalNodeState;
      cause?: Cause;
      outputs?: Record<string, string>;
      tolerated?: true;
    }
  | {
      kind: 'attempt.queued';
      attemptId: string;
      nodeId: string;
      number: number;
      pool: string;
      notBefore: number;
      avoidHosts: string[];
    }
  /** Its not-before has passed: whoever could take it hears of it now. */
  | { kind: 'attempt.due'; attemptId: string }
  | { kind: 'attempt.claimed'; attemptId: string; hostId: string; workerId: string; requestId: string }
  | { kind: 'attempt.started'; attemptId: string }
  | { kind: 'attempt.cancel-requested'; attemptId: string; by: string; reason?: string; because?: EndingReason }
  | { kind: 'attempt.ended'; attemptId: string; state: TerminalAttemptState; cause?: Cause };

/** The state does not allow the command. Typed, so that the API can answer 409 with the state. */
export interface Refusal {
  refused: true;
  reason: string;
  state: string;
  /**
   * It is not for the state's sake. `forbidden`: whoever asks may not. `invalid`: no state would allow it as it was asked.
   */
  kind?: 'forbidden' | 'invalid';
}

export function isRefusal(outcome: object): outcome is Refusal {
  return 'refused' in outcome;
}

/** A wish to cancel, committed: from here on every ending is `cancelled`. `at` is Unix milliseconds. */
export interface CancelIntent {
  by: string;
  reason?: string;
  at: number;
  because?: EndingReason;
}

/** One that counts: of several by the same person only the last. `at` is Unix milliseconds. */
export interface Decision {
  by: string;
  verdict: 'approve' | 'reject';
  inputs: Record<string, string>;
  reason?: string;
  requestId: string;
  at: number;
}

export interface AttemptView {
  id: string;
  nodeId: string;
  number: number;
  state: AttemptState;
  pool: string;
  notBefore: number;
  avoidHosts: string[];
  /** Its not-before has passed, and hosts were told. */
  due?: true;
  hostId?: string;
  workerId?: string;
  requestId?: string;
  cancelRequested?: CancelIntent;
  cause?: Cause;
  queuedAt: number;
  claimedAt?: number;
  startedAt?: number;
  endedAt?: number;
}

/** A run as the engine sees it: what folding `evolve` over its events gives. Plain data; never changed in place. */
export interface RunFlow {
  runId: string;
  /** Of the last event folded in. */
  seq: number;
  state: RunState;
  spec: RunSpec;
  /** Read with `nodeOf`, `nodesOf`, `attemptOf` and `attemptsOf`. */
  nodes: NodeTable;
  /** How many nodes are not terminal yet. */
  openNodes: number;
  /** The same without `onFailure` nodes: those begin when it is none. */
  openMain: number;
  /** How many nodes have succeeded. */
  succeeded: number;
  /** Nodes that failed or timed out, and were not allowed to; in the order of their endings. */
  broken: readonly string[];
  /** Of the matrices that may not run all of their cells at once, by name. */
  groups: Record<string, GroupFlow>;
  /** Of the branches that have a deadline: how many nodes in them have neither ended nor been asked to end. */
  branches: Record<string, number>;
  /** How long all late texts are that were resolved so far. */
  lateLength: number;
  rerun?: RerunOf;
  /** It waits for its turn in its concurrency group. */
  held?: true;
  /** When that came, where it was held. */
  admittedAt?: number;
  cancelRequested?: CancelIntent;
  cause?: Cause;
  createdAt: number;
  startedAt?: number;
  endedAt?: number;
}

/** Something that happens at an instant unless something else comes first. `key` is unique among all runs. */
export interface FlowTimer {
  key: string;
  /** Unix milliseconds. */
  fireAtMs: number;
}

export interface GroupFlow {
  /** Cells that are ready or running. */
  active: number;
  /** The first cell that may still be waiting, by its place among the cells. */
  next: number;
}

/**
 * The nodes of a run in the order of the specification, in pieces, so that a change copies two short lists, and not all
 * that a large run has.
 */
export type NodeTable = readonly (readonly NodeFlow[])[];

export interface NodeFlow {
  id: string;
  state: NodeState;
  /** In order of their numbers. */
  attempts: readonly AttemptView[];
  /** How many of the nodes that it needs have not ended. */
  openNeeds: number;
  cause?: Cause;
  /** What it hands on to those that need it. */
  outputs?: Record<string, string>;
  /** It failed, and was allowed to: for those that need it, and for the run, it succeeded. */
  tolerated?: true;
  /** When all that it needs had ended, and it was its turn. */
  readyAt?: number;
  /** What the late texts of its specification came to, in their order; from then on. */
  texts?: readonly string[];
  endedAt?: number;
  /** Of a gate, in the order in which they came. */
  decisions?: readonly Decision[];
  /** It was not done again: the run in which it ended. */
  reusedFrom?: string;
}
