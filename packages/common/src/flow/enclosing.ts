import { branchesOf } from './branches.js';
import { graphOf } from './graph.js';
import type { FlowTimer, NodeFlow, RunFlow } from './messages.js';
import type { BranchSpec } from './spec.js';
import { isTerminal } from './states.js';

// The deadlines of what nodes stand in: of their run, and of branches. Their timers are there also while a host has
// something of it: what is asked to end then is what a whole run or branch has left, and no result is overtaken by that
// which says so before. A runner ends its steps at the same time by itself, and whichever is told first ends all of it.

type Head = Omit<RunFlow, 'nodes'>;
type Find = (nodeId: string) => NodeFlow | undefined;

/** A time by which a node has to have ended, for the sake of what it stands in. */
export interface EnclosingLimit {
  /** `workflow`, or `branch channel`; elsewhere `queue`, `timeout`. */
  name: string;
  /** Unix milliseconds. */
  at: number;
}

/** The same with what it is the deadline of. */
export interface EnclosingDeadline extends EnclosingLimit {
  /** Absent: of the workflow. */
  branchId?: string;
  limitMs: number;
}

/** A timer with what the engine needs to know of it. */
export interface EnclosingTimer extends FlowTimer {
  /** Absent: of the whole run. */
  branchId?: string;
  limitMs: number;
}

/** Those that could still do something. */
export function enclosingTimers(head: Head, find: Find): EnclosingTimer[] {
  if (isTerminal(head.state) || head.held === true) {
    return [];
  }
  const { runId, spec } = head;
  const timers: EnclosingTimer[] = [];
  const until = workflowEnd(head);
  if (until !== undefined && head.cancelRequested === undefined && head.openMain > 0) {
    timers.push({ key: `workflow:${runId}`, fireAtMs: until, limitMs: spec.deadlineMs ?? 0 });
  }
  for (const branch of branchesOf(spec).limited) {
    const fireAtMs = (head.branches[branch.id] ?? 0) > 0 ? branchEnd(head, find(branch.id), branch) : undefined;
    if (fireAtMs !== undefined) {
      const { id: branchId, deadlineMs: limitMs = 0 } = branch;
      timers.push({ key: `branch:${runId}/${branchId}`, fireAtMs, branchId, limitMs });
    }
  }
  return timers;
}

/** All that counts for a node, the first to come before the others. */
export function enclosingLimits(head: Head, nodeId: string, find: Find): EnclosingDeadline[] {
  const limits: EnclosingDeadline[] = [];
  if (head.held === true) {
    return limits;
  }
  const until = graphOf(head.spec).spec(nodeId)?.onFailure === true ? undefined : workflowEnd(head);
  if (until !== undefined && head.cancelRequested === undefined) {
    limits.push({ name: 'workflow', at: until, limitMs: head.spec.deadlineMs ?? 0 });
  }
  for (const branch of branchesOf(head.spec).limiting(nodeId)) {
    const at = branchEnd(head, find(branch.id), branch);
    if (at !== undefined) {
      limits.push({ name: `branch ${branch.id}`, at, branchId: branch.id, limitMs: branch.deadlineMs ?? 0 });
    }
  }
  return limits.sort((a, b) => a.at - b.at);
}

/** Runners count by clocks of their own: by so much they may be ahead of the engine's. */
function driftMs(limitMs: number): number {
  return 1_000 + limitMs / 1_000;
}

/**
 * The deadline that the runner of a node says is over, where it is so, and its timer has not fired yet. Undefined: it has,
 * there is none, or it is too early; then the runner's word counts for its own attempt only.
 */
export function saidOver(
  head: Head,
  nodeId: string,
  clock: 'workflow' | 'branch',
  find: Find,
  now: number,
): EnclosingTimer | undefined {
  const first = enclosingLimits(head, nodeId, find).find(
    ({ branchId }) => (branchId === undefined) === (clock === 'workflow'),
  );
  return first === undefined || first.at > now + driftMs(first.limitMs)
    ? undefined
    : enclosingTimers(head, find).find(({ branchId }) => branchId === first.branchId);
}

/** When the deadline of the workflow is over; undefined: it has none. */
export function workflowEnd(head: Head): number | undefined {
  const { deadlineMs } = head.spec;
  return deadlineMs === undefined ? undefined : beganAt(head) + deadlineMs;
}

/** The start; before it the planning, or when it was admitted: the time that others of its group took is not its own. */
function beganAt({ startedAt, admittedAt, createdAt }: Head): number {
  return startedAt ?? admittedAt ?? createdAt;
}

/** From the decision on; of one that was decided in an earlier run, from the start of this one. */
function branchEnd(head: Head, node: NodeFlow | undefined, { deadlineMs }: BranchSpec): number | undefined {
  const from = node?.reusedFrom === undefined ? node?.endedAt : beganAt(head);
  return node?.state === 'succeeded' && from !== undefined && deadlineMs !== undefined ? from + deadlineMs : undefined;
}
