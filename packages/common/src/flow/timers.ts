import { parseAttemptId } from './attempt-id.js';
import { enclosingTimers } from './enclosing.js';
import { graphOf } from './graph.js';
import type { FlowTimer, NodeFlow, RunFlow } from './messages.js';
import { nodeOf } from './node-table.js';
import type { NodeSpec } from './spec.js';
import { isTerminal } from './states.js';

type TimerKind = 'backoff' | 'queue' | 'wait' | 'gate' | 'deadline';

/** A timer with what the engine needs to know of it. */
export interface NodeTimer extends FlowTimer {
  kind: TimerKind;
  nodeId: string;
}

/**
 * Everything that the run waits for in time. Nothing that is about one attempt that a host has: the runner keeps those
 * clocks, so that a result that it could not hand in yet is not overtaken; the deadline of a lost attempt is looked at when
 * it is lost.
 */
export function timersOf(run: RunFlow): FlowTimer[] {
  return timersAmong(
    run,
    run.spec.nodes.map(({ id }) => id),
  );
}

/** Of all timers of a run those that can have changed when only these nodes have, and the run itself. */
export function timersAmong(run: RunFlow, nodeIds: readonly string[]): FlowTimer[] {
  return [...nodeIds.flatMap((id) => timersOfNode(run, id)), ...enclosingTimers(run, (id) => nodeOf(run, id))].map(
    ({ key, fireAtMs }) => ({ key, fireAtMs }),
  );
}

/** What one node of it waits for. */
export function timersOfNode(run: Pick<RunFlow, 'runId' | 'spec' | 'nodes'>, nodeId: string): NodeTimer[] {
  const node = nodeOf(run, nodeId);
  const spec = graphOf(run.spec).spec(nodeId);
  return node === undefined || spec === undefined ? [] : timersFor(run.runId, node, spec);
}

/** The same for a node in hand. */
export function timersFor(runId: string, node: NodeFlow, spec: NodeSpec): NodeTimer[] {
  if (isTerminal(node.state)) {
    return [];
  }
  const timers: NodeTimer[] = [];
  const add = (kind: TimerKind, of: string, fireAtMs: number): void => {
    timers.push({ kind, nodeId: node.id, key: `${kind}:${of}`, fireAtMs });
  };
  const attempt = node.attempts.at(-1);
  const isQueued = attempt?.state === 'queued';
  if (isQueued && attempt.notBefore > attempt.queuedAt && attempt.due === undefined) {
    add('backoff', attempt.id, attempt.notBefore);
  }
  if (isQueued && spec.kind === 'job' && spec.queueMs !== undefined) {
    add('queue', attempt.id, Math.max(attempt.queuedAt, attempt.notBefore) + spec.queueMs);
  }
  const isWaiting = spec.kind === 'wait' && node.state === 'running';
  if (isWaiting) {
    add('wait', `${runId}/${node.id}`, (node.readyAt ?? 0) + spec.forMs);
  }
  const isOpen = spec.kind === 'gate' && node.state === 'running';
  if (isOpen && spec.timeoutMs !== undefined) {
    add('gate', `${runId}/${node.id}`, (node.readyAt ?? 0) + spec.timeoutMs);
  }
  const deadlineAt = deadlineOf(node, spec);
  if (deadlineAt !== undefined && (isQueued || isWaiting || isOpen)) {
    add('deadline', `${runId}/${node.id}`, deadlineAt);
  }
  return timers;
}

/** The node that a timer is of; undefined for what is no key. */
export function nodeOfTimer(runId: string, key: string): string | undefined {
  const colon = key.indexOf(':');
  const [kind, of] = [key.slice(0, colon), key.slice(colon + 1)];
  if (kind === 'backoff' || kind === 'queue') {
    return parseAttemptId(of)?.nodeId;
  }
  return of.startsWith(`${runId}/`) ? of.slice(runId.length + 1) : undefined;
}

/** When all attempts of a node together have had their time; undefined: never, or it has not begun to run. */
export function deadlineOf(node: NodeFlow, spec: NodeSpec | undefined): number | undefined {
  if (spec?.deadlineMs === undefined) {
    return undefined;
  }
  const from = spec.kind === 'wait' || spec.kind === 'gate' ? node.readyAt : node.attempts[0]?.queuedAt;
  return from === undefined ? undefined : from + spec.deadlineMs;
}
