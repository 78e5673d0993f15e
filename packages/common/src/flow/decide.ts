import { assertNever } from '../errors/index.js';
import { attemptIdOf } from './attempt-id.js';
import type { AttemptResult, Cause } from './cause.js';
import { applyTo, Draft } from './evolve.js';
import { graphOf, problemOf } from './graph.js';
import type { AttemptView, Command, FlowEvent, FlowEventBody, NodeFlow, Refusal, RunFlow } from './messages.js';
import { afterFailure, afterInfrastructure } from './retries.js';
import type { JobSpec } from './spec.js';
import { isTerminal, type TerminalAttemptState, type TerminalNodeState, type TerminalRunState } from './states.js';

/**
 * What may happen: the events that the command causes, numbered on from the run's last one, or why it may not. No
 * events: it has happened before (a repeated claim, start or cancel), and all is well.
 *
 * `now` is Unix milliseconds. An ended attempt refuses everything with its state; a cancel of an ended run is refused
 * with the run's.
 */
export function decide(run: RunFlow | undefined, command: Command, now: number): FlowEvent[] | Refusal {
  if (command.kind === 'plan') {
    return run === undefined ? plan(command, now) : refusal('the run exists already', run.state);
  }
  if (run === undefined) {
    return refusal('there is no such run', 'none');
  }
  const turn = new Turn(new Draft(run), now);
  if (command.kind === 'cancel') {
    return cancel(turn, command);
  }
  if (command.kind === 'fire') {
    return [];
  }
  const attempt = turn.draft.findAttempt(command.attemptId);
  if (attempt === undefined) {
    return refusal(`there is no attempt ${command.attemptId}`, 'none');
  }
  switch (command.kind) {
    case 'claim':
      return claim(turn, attempt, command);
    case 'start':
      return start(turn, attempt);
    case 'finish':
      return finish(turn, attempt, command.result);
    case 'lose':
      return lose(turn, attempt, command.detail);
    case 'refuse':
      return refuse(turn, attempt, command);
    default:
      return assertNever(command);
  }
}

/** One command being decided: each event takes effect before the next is thought about. */
class Turn {
  readonly events: FlowEvent[] = [];
  readonly draft: Draft;
  readonly now: number;

  constructor(draft: Draft, now: number) {
    this.draft = draft;
    this.now = now;
  }

  emit(body: FlowEventBody): void {
    const event: FlowEvent = { seq: this.draft.head.seq + 1, at: this.now, ...body };
    applyTo(this.draft, event);
    this.events.push(event);
  }
}

function refusal(reason: string, state: string): Refusal {
  return { refused: true, reason, state };
}

function plan(command: Extract<Command, { kind: 'plan' }>, now: number): FlowEvent[] | Refusal {
  const { runId, spec } = command;
  const problem = problemOf(spec);
  if (problem !== undefined) {
    return refusal(problem, 'none');
  }
  const planned: FlowEvent = { seq: 1, at: now, kind: 'run.planned', runId, spec };
  const turn = new Turn(applyTo(undefined, planned), now);
  for (const node of spec.nodes) {
    if (node.needs.length === 0) {
      turn.emit({ kind: 'node.readied', nodeId: node.id });
      queueAttempt(turn, node.id, now, []);
    }
  }
  return [planned, ...turn.events];
}

function claim(turn: Turn, attempt: AttemptView, command: Extract<Command, { kind: 'claim' }>): FlowEvent[] | Refusal {
  const { attemptId, hostId, workerId, requestId } = command;
  if ((attempt.state === 'claimed' || attempt.state === 'running') && attempt.requestId === requestId) {
    return [];
  }
  if (attempt.state !== 'queued') {
    return refusal(`attempt ${attemptId} is ${attempt.state}`, attempt.state);
  }
  if (attempt.notBefore > turn.now) {
    return refusal(`attempt ${attemptId} waits until ${new Date(attempt.notBefore).toISOString()}`, attempt.state);
  }
  turn.emit({ kind: 'attempt.claimed', attemptId, hostId, workerId, requestId });
  return turn.events;
}

function start(turn: Turn, attempt: AttemptView): FlowEvent[] | Refusal {
  if (attempt.state !== 'claimed' && attempt.state !== 'running') {
    return refusal(`attempt ${attempt.id} is ${attempt.state}`, attempt.state);
  }
  if (attempt.cancelRequested !== undefined) {
    return refusal(`${attempt.cancelRequested.by} asked to cancel it`, attempt.state);
  }
  if (attempt.state === 'running') {
    return []; // The assignment of the first time may not have arrived.
  }
  turn.emit({ kind: 'attempt.started', attemptId: attempt.id });
  turn.emit({ kind: 'node.started', nodeId: attempt.nodeId });
  if (turn.draft.head.state === 'queued') {
    turn.emit({ kind: 'run.started' });
  }
  return turn.events;
}

function finish(turn: Turn, attempt: AttemptView, result: AttemptResult): FlowEvent[] | Refusal {
  const cancelled = attempt.cancelRequested !== undefined || result.state === 'cancelled';
  if (attempt.state !== 'running' && !(attempt.state === 'claimed' && cancelled)) {
    return refusal(`attempt ${attempt.id} is ${attempt.state}`, attempt.state);
  }
  if (cancelled) {
    endNode(turn, attempt, 'cancelled', 'cancelled', result.cause);
  } else if (result.state !== 'succeeded' && afterFailure(jobOf(turn, attempt), attempt)) {
    tryAgain(turn, attempt, result.state, result.cause, 0);
  } else {
    endNode(turn, attempt, result.state, result.state, result.cause);
  }
  return turn.events;
}

function lose(turn: Turn, attempt: AttemptView, detail: string): FlowEvent[] | Refusal {
  if (attempt.state !== 'claimed' && attempt.state !== 'running') {
    return refusal(`attempt ${attempt.id} is ${attempt.state}`, attempt.state);
  }
  const cause = { kind: 'lost' as const, detail, ...(attempt.hostId !== undefined && { hostId: attempt.hostId }) };
  failOver(turn, attempt, 'lost', cause, true);
  return turn.events;
}

function refuse(
  turn: Turn,
  attempt: AttemptView,
  command: Extract<Command, { kind: 'refuse' }>,
): FlowEvent[] | Refusal {
  if (attempt.state !== 'claimed') {
    return refusal(`attempt ${attempt.id} is ${attempt.state}`, attempt.state);
  }
  const { detail, retryable } = command;
  const cause = { kind: 'refused' as const, detail, ...(attempt.hostId !== undefined && { hostId: attempt.hostId }) };
  failOver(turn, attempt, 'refused', cause, retryable);
  return turn.events;
}

function cancel(turn: Turn, command: Extract<Command, { kind: 'cancel' }>): FlowEvent[] | Refusal {
  const { head } = turn.draft;
  if (isTerminal(head.state)) {
    return refusal(`the run has ended: ${head.state}`, head.state);
  }
  if (head.cancelRequested !== undefined) {
    return [];
  }
  const who = { by: command.by, ...(command.reason !== undefined && { reason: command.reason }) };
  turn.emit({ kind: 'run.cancel-requested', ...who });
  const cause: Cause = { kind: 'cancelled', ...who };
  for (const { id: nodeId } of head.spec.nodes) {
    const node = turn.draft.node(nodeId);
    if (isTerminal(node.state)) {
      continue;
    }
    const attempt = liveAttempt(turn, node);
    if (attempt === undefined || attempt.state === 'queued') {
      if (attempt !== undefined) {
        turn.emit({ kind: 'attempt.ended', attemptId: attempt.id, state: 'cancelled', cause });
      }
      turn.emit({ kind: 'node.ended', nodeId, state: 'cancelled', cause });
    } else {
      turn.emit({ kind: 'attempt.cancel-requested', attemptId: attempt.id, ...who });
    }
  }
  endRunIfDone(turn);
  return turn.events;
}

function jobOf(turn: Turn, attempt: AttemptView): JobSpec | undefined {
  return graphOf(turn.draft.head.spec).job(attempt.nodeId);
}

function liveAttempt(turn: Turn, node: NodeFlow): AttemptView | undefined {
  const last = node.attemptIds.at(-1);
  const attempt = last === undefined ? undefined : turn.draft.attempt(last);
  return attempt === undefined || isTerminal(attempt.state) ? undefined : attempt;
}

/** The infrastructure's fault: another attempt, elsewhere where there is an elsewhere. */
function failOver(
  turn: Turn,
  attempt: AttemptView,
  state: 'lost' | 'refused',
  cause: Extract<Cause, { kind: 'lost' | 'refused' }>,
  retryable: boolean,
): void {
  if (attempt.cancelRequested !== undefined) {
    endNode(turn, attempt, 'cancelled', 'cancelled', cause);
    return;
  }
  const next = afterInfrastructure(jobOf(turn, attempt), attempt, retryable);
  if (next.retry) {
    tryAgain(turn, attempt, state, cause, next.delayMs);
    return;
  }
  const detail = next.because === undefined ? cause.detail : `${cause.detail}; ${next.because}`;
  endNode(turn, attempt, state, 'failed', { ...cause, detail });
}

function tryAgain(
  turn: Turn,
  attempt: AttemptView,
  state: TerminalAttemptState,
  cause: Cause | undefined,
  delayMs: number,
): void {
  turn.emit({ kind: 'attempt.ended', attemptId: attempt.id, state, ...(cause !== undefined && { cause }) });
  if (turn.draft.node(attempt.nodeId).state === 'running') {
    turn.emit({ kind: 'node.readied', nodeId: attempt.nodeId });
  }
  const avoidHosts = new Set(attempt.avoidHosts);
  if (attempt.hostId !== undefined) {
    avoidHosts.add(attempt.hostId);
  }
  queueAttempt(turn, attempt.nodeId, turn.now + delayMs, [...avoidHosts]);
}

function queueAttempt(turn: Turn, nodeId: string, notBefore: number, avoidHosts: string[]): void {
  const number = turn.draft.node(nodeId).attemptIds.length + 1;
  const attemptId = attemptIdOf(turn.draft.head.runId, nodeId, number);
  const pool = graphOf(turn.draft.head.spec).job(nodeId)?.runsOn ?? 'default';
  turn.emit({ kind: 'attempt.queued', attemptId, nodeId, number, pool, notBefore, avoidHosts });
}

function endNode(
  turn: Turn,
  attempt: AttemptView,
  attemptState: TerminalAttemptState,
  nodeState: TerminalNodeState,
  given: Cause | undefined,
): void {
  const intent = attempt.cancelRequested;
  const cause: Cause | undefined =
    given ??
    (intent === undefined
      ? undefined
      : { kind: 'cancelled', by: intent.by, ...(intent.reason !== undefined && { reason: intent.reason }) });
  const why = cause === undefined ? {} : { cause };
  turn.emit({ kind: 'attempt.ended', attemptId: attempt.id, state: attemptState, ...why });
  turn.emit({ kind: 'node.ended', nodeId: attempt.nodeId, state: nodeState, ...why });
  settleDependents(turn, attempt.nodeId);
  endRunIfDone(turn);
}

/** Readies or skips what waited for this node; what is skipped is passed on to those that need it. */
function settleDependents(turn: Turn, endedId: string): void {
  const graph = graphOf(turn.draft.head.spec);
  const ended = [endedId];
  for (let id = ended.shift(); id !== undefined; id = ended.shift()) {
    for (const dependent of graph.dependents(id)) {
      if (turn.draft.node(dependent).state !== 'waiting') {
        continue;
      }
      const needs = graph.needs(dependent);
      if (!needs.every((need) => isTerminal(turn.draft.node(need).state))) {
        continue;
      }
      const blockers = new Set(needs.flatMap((need) => blockersOf(turn.draft.node(need))));
      if (blockers.size === 0) {
        turn.emit({ kind: 'node.readied', nodeId: dependent });
        queueAttempt(turn, dependent, turn.now, []);
      } else {
        const cause: Cause = { kind: 'nodes', nodes: [...blockers] };
        turn.emit({ kind: 'node.ended', nodeId: dependent, state: 'skipped', cause });
        ended.push(dependent);
      }
    }
  }
}

/**
 * The nodes for whose sake nothing may follow this one: none when it succeeded or was skipped by its own choice, and
 * those at the root of it when it was skipped because of others.
 */
function blockersOf(node: NodeFlow): string[] {
  if (node.state === 'succeeded') {
    return [];
  }
  if (node.state === 'skipped') {
    return node.cause?.kind === 'nodes' ? node.cause.nodes : [];
  }
  return [node.id];
}

function endRunIfDone(turn: Turn): void {
  const { head } = turn.draft;
  if (head.openNodes > 0) {
    return;
  }
  const intent = head.cancelRequested;
  if (intent !== undefined) {
    const why = { by: intent.by, ...(intent.reason !== undefined && { reason: intent.reason }) };
    turn.emit({ kind: 'run.ended', state: 'cancelled', cause: { kind: 'cancelled', ...why } });
    return;
  }
  const nodes = head.spec.nodes.map((node) => turn.draft.node(node.id));
  const failed = nodes.filter((node) => node.state === 'failed' || node.state === 'timed_out');
  const cancelled = nodes.filter((node) => node.state === 'cancelled');
  const culprits = failed.length > 0 ? failed : cancelled;
  const state: TerminalRunState = failed.length > 0 ? 'failed' : cancelled.length > 0 ? 'cancelled' : 'succeeded';
  turn.emit({
    kind: 'run.ended',
    state,
    ...(culprits.length > 0 && { cause: { kind: 'nodes', nodes: culprits.map((node) => node.id) } }),
  });
}
