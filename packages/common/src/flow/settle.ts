import { attemptIdOf } from './attempt-id.js';
import type { Cause } from './cause.js';
import { causeOfIntent, type Intent, intentOf, nodeStateOfIntent, stateOfIntent } from './ending.js';
import { groupOf } from './graph.js';
import { resolveTexts } from './late-texts.js';
import type { AttemptView } from './messages.js';
import { lookersOn } from './on-failure.js';
import type { NodeSpec } from './spec.js';
import { isTerminal, type TerminalAttemptState, type TerminalNodeState, type TerminalRunState } from './states.js';
import { isBroken } from './tally.js';
import { liveAttempt, type Turn } from './turn.js';
import { verdictOn } from './verdict.js';

/** How a node ends; its attempt may have ended otherwise. */
export interface NodeEnding {
  state: TerminalNodeState;
  cause?: Cause | undefined;
  outputs?: Record<string, string> | undefined;
}

/** Readies what needs nothing, or nothing that has not ended in an earlier run; and what follows from that. */
export function begin(turn: Turn): void {
  for (const { id } of turn.draft.head.spec.nodes) {
    judge(turn, id);
  }
  settle(turn);
}

/** The wish is committed: from here on every ending is what it says. */
export function cancelRun(turn: Turn, intent: Intent): void {
  turn.emit({ kind: 'run.cancel-requested', ...intentOf(intent) });
  // What is there for failures comes after the deadline.
  const sparesLookers = intent.because?.kind === 'deadline';
  for (const { id, onFailure } of turn.draft.head.spec.nodes) {
    if (!(sparesLookers && onFailure === true)) {
      cancelNode(turn, id, intent);
    }
  }
  settle(turn);
}

export function endAttempt(turn: Turn, attempt: AttemptView, state: TerminalAttemptState, cause?: Cause): void {
  turn.emit({ kind: 'attempt.ended', attemptId: attempt.id, state, ...(cause && { cause }) });
}

export function endNode(turn: Turn, nodeId: string, { state, cause, outputs }: NodeEnding): void {
  const failed = state === 'failed' || state === 'timed_out';
  turn.emit({
    kind: 'node.ended',
    nodeId,
    state,
    ...(cause && { cause }),
    ...(outputs !== undefined && Object.keys(outputs).length > 0 && { outputs }),
    ...(failed && turn.draft.graph.spec(nodeId)?.allowFailure === true && { tolerated: true }),
  });
}

/** What nobody has claimed ends at once; of what a host has, the wish is kept. */
export function cancelNode(turn: Turn, nodeId: string, intent: Intent): void {
  const node = turn.draft.node(nodeId);
  if (isTerminal(node.state)) {
    return;
  }
  const attempt = liveAttempt(node);
  if (attempt === undefined || attempt.state === 'queued') {
    const state = nodeStateOfIntent(intent);
    const cause = causeOfIntent(intent);
    if (attempt !== undefined) {
      endAttempt(turn, attempt, state, cause);
    }
    if (node.state === 'waiting' && state === 'timed_out') {
      // Its time is over before its turn has come, and nothing times out before its turn.
      turn.emit({ kind: 'node.readied', nodeId });
    }
    endNode(turn, nodeId, { state, cause });
  } else if (attempt.cancelRequested === undefined) {
    turn.emit({ kind: 'attempt.cancel-requested', attemptId: attempt.id, ...intentOf(intent) });
  }
}

/**
 * All that follows from the nodes that ended in this turn: cells of their matrix that are cancelled with them, nodes
 * that needed them, cells that were waiting for their place; what begins after all others; and the end of the run.
 */
export function settle(turn: Turn): void {
  follow(turn);
  if (turn.draft.head.openMain === 0 && turn.draft.head.openNodes > 0) {
    for (const nodeId of lookersOn(turn.draft.head.spec)) {
      judge(turn, nodeId);
    }
    follow(turn);
  }
  endRunIfDone(turn);
}

function follow(turn: Turn): void {
  // The list grows while it is gone through.
  for (const endedId of turn.ended) {
    cancelOtherCells(turn, endedId);
    for (const dependent of turn.draft.graph.dependents(endedId)) {
      judge(turn, dependent);
    }
    releaseCells(turn, endedId);
  }
}

export function queueAttempt(turn: Turn, nodeId: string, notBefore: number, avoidHosts: string[]): void {
  const number = turn.draft.node(nodeId).attempts.length + 1;
  const attemptId = attemptIdOf(turn.draft.head.runId, nodeId, number);
  const pool = turn.draft.graph.job(nodeId)?.runsOn ?? 'default';
  turn.emit({ kind: 'attempt.queued', attemptId, nodeId, number, pool, notBefore, avoidHosts });
}

export function startRun(turn: Turn): void {
  if (turn.draft.head.state === 'queued') {
    turn.emit({ kind: 'run.started' });
  }
}

/** Readies or skips a waiting node, once all that it needs has ended. A cell beyond `max_parallel` goes on waiting. */
function judge(turn: Turn, nodeId: string): void {
  const node = turn.draft.node(nodeId);
  if (node.state !== 'waiting' || node.openNeeds > 0) {
    return;
  }
  const { head, graph } = turn.draft;
  const spec = graph.spec(nodeId);
  if (spec?.onFailure === true && head.openMain > 0) {
    return;
  }
  const verdict = spec && verdictOn(turn.draft, spec);
  if (verdict?.kind === 'skip') {
    endNode(turn, nodeId, { state: 'skipped', cause: verdict.cause });
  } else if (verdict?.kind === 'fail') {
    failUnbegun(turn, nodeId, verdict.cause);
  } else if (spec !== undefined && !isFull(turn, nodeId)) {
    goOn(turn, spec, verdict?.kind !== 'go' || verdict.holds !== false);
  }
}

function failUnbegun(turn: Turn, nodeId: string, cause: Cause): void {
  turn.emit({ kind: 'node.readied', nodeId });
  endNode(turn, nodeId, { state: 'failed', cause });
}

/** Its turn has come. `holds`: what its condition came to. */
function goOn(turn: Turn, spec: NodeSpec, holds: boolean): void {
  const nodeId = spec.id;
  const resolved = resolveTexts(turn.draft, spec);
  if ('cause' in resolved) {
    failUnbegun(turn, nodeId, resolved.cause);
    return;
  }
  const { texts } = resolved;
  turn.emit({ kind: 'node.readied', nodeId, ...(texts.length > 0 && { texts }) });
  switch (spec.kind) {
    case 'wait':
    case 'gate':
      turn.emit({ kind: 'node.started', nodeId });
      startRun(turn);
      break;
    case 'branch':
      // Nothing of it runs anywhere, so the run has not begun by it.
      turn.emit({ kind: 'node.started', nodeId });
      endNode(turn, nodeId, { state: 'succeeded', outputs: { taken: holds ? 'then' : 'else' } });
      break;
    default:
      queueAttempt(turn, nodeId, turn.now, []);
  }
}

function isFull(turn: Turn, nodeId: string): boolean {
  const group = groupOf(turn.draft.head.spec, nodeId);
  const limit = group?.rules.maxParallel;
  return group !== undefined && limit !== undefined && (turn.draft.head.groups[group.name]?.active ?? 0) >= limit;
}

/** The next cells of its matrix, in the order of the file, take the place that it has left. */
function releaseCells(turn: Turn, endedId: string): void {
  const group = groupOf(turn.draft.head.spec, endedId);
  if (group?.rules.maxParallel === undefined) {
    return;
  }
  const cells = turn.draft.graph.cells(group.name);
  let index = turn.draft.head.groups[group.name]?.next ?? 0;
  for (let cell = cells[index]; cell !== undefined && !isFull(turn, endedId); cell = cells[index]) {
    judge(turn, cell);
    index += 1;
  }
}

function cancelOtherCells(turn: Turn, endedId: string): void {
  const group = groupOf(turn.draft.head.spec, endedId);
  if (group?.rules.onFailure !== 'cancel' || !isBroken(turn.draft.node(endedId))) {
    return;
  }
  for (const cell of turn.draft.graph.cells(group.name)) {
    cancelNode(turn, cell, { by: matrixAsActor(group.name), reason: `${endedId} failed` });
  }
}

/** Who cancels the cells of a matrix when one of them has failed. */
export function matrixAsActor(group: string): string {
  return `matrix ${group}`;
}

function endRunIfDone(turn: Turn): void {
  const { head, graph } = turn.draft;
  if (head.openNodes > 0 || isTerminal(head.state)) {
    return;
  }
  const intent = head.cancelRequested;
  if (intent !== undefined) {
    turn.emit({ kind: 'run.ended', state: stateOfIntent(intent), cause: causeOfIntent(intent) });
    return;
  }
  const failed = head.broken.toSorted((a, b) => (graph.position(a) ?? 0) - (graph.position(b) ?? 0));
  const cancelled = head.spec.nodes
    .filter(({ id, onFailure }) => onFailure !== true && turn.draft.node(id).state === 'cancelled')
    .map(({ id }) => id);
  const culprits = failed.length > 0 ? failed : cancelled;
  const state: TerminalRunState = failed.length > 0 ? 'failed' : cancelled.length > 0 ? 'cancelled' : 'succeeded';
  // All of it skipped, or only allowed to fail before it began: a run succeeds from `running` only.
  if (state === 'succeeded') {
    startRun(turn);
  }
  turn.emit({ kind: 'run.ended', state, ...(culprits.length > 0 && { cause: { kind: 'nodes', nodes: culprits } }) });
}
