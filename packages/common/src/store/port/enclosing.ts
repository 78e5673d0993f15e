import type { FlowEvent, Refusal, RunFlow } from '../../flow/index.js';

/** A deadline of what an attempt stands in: its workflow, or a branch. */
export interface EnclosingDeadline {
  /** Absent: of the workflow. */
  branchId?: string;
  /** The whole of it. */
  limitMs: number;
}

/** The same with what is left of it, when this was answered; 0: it is over. */
export interface EnclosingLeft extends EnclosingDeadline {
  leftMs: number;
}

/** `enclosing`: of the deadlines of what the attempt stands in the one that is over first. Absent: there is none. */
export type StartOutcome = { events: FlowEvent[]; state: RunFlow; enclosing?: EnclosingLeft } | Refusal;

/** Somebody wishes an attempt to end, or (`deadline`) what it stands in has run out of time. */
export interface CancelWish {
  by: string;
  reason?: string;
  deadline?: EnclosingDeadline;
}
