import { assertNever, SolsticeError } from '../errors/index.js';
import { attemptIdOf, parseAttemptId } from './attempt-id.js';
import { branchesOf } from './branches.js';
import { intentOf } from './ending.js';
import { type Graph, graphOf, groupOf } from './graph.js';
import { lateTextsOf } from './late-places.js';
import type { AttemptView, FlowEvent, NodeFlow, NodeTable, RunFlow } from './messages.js';
import { nodeAt, withNodes } from './node-table.js';
import { firstNodes } from './origin.js';
import { canMove, isTerminal, type RunState } from './states.js';
import { isAskedToEnd, isBroken, lengthOf, tallyOf } from './tally.js';

/** What an event means. Throws `internal` on an event that the state does not allow: the log itself is then wrong. */
export function evolve(run: RunFlow | undefined, event: FlowEvent): RunFlow {
  return evolveAll(run, [event]);
}

/** `evolve` over several events, which costs one copy of the run instead of one for each event. */
export function evolveAll(run: RunFlow | undefined, events: readonly FlowEvent[]): RunFlow {
  let draft = run === undefined ? undefined : new Draft(run);
  for (const event of events) {
    draft = applyTo(draft, event);
  }
  if (draft === undefined) {
    throw new SolsticeError('internal', 'a run cannot be made of no events');
  }
  return draft.finish();
}

/** The run that a whole event log tells of. */
export function replay(events: readonly FlowEvent[]): RunFlow {
  return evolveAll(undefined, events);
}

type Head = Omit<RunFlow, 'nodes'>;

/** A run with changes laid over it. The run underneath stays as it is. */
export class Draft {
  head: Head;
  readonly graph: Graph;
  readonly #base: NodeTable;
  readonly #changed = new Map<number, NodeFlow>();

  constructor(base: RunFlow) {
    const { nodes, ...head } = base;
    this.head = head;
    this.graph = graphOf(head.spec);
    this.#base = nodes;
  }

  findNode(id: string): NodeFlow | undefined {
    const position = this.graph.position(id);
    return position === undefined ? undefined : (this.#changed.get(position) ?? nodeAt(this.#base, position));
  }

  node(id: string): NodeFlow {
    const node = this.findNode(id);
    if (node === undefined) {
      throw new SolsticeError('internal', `run ${this.head.runId} has no node ${id}`);
    }
    return node;
  }

  findAttempt(id: string): AttemptView | undefined {
    const named = parseAttemptId(id);
    return named === undefined || named.runId !== this.head.runId
      ? undefined
      : this.findNode(named.nodeId)?.attempts[named.number - 1];
  }

  attempt(id: string): AttemptView {
    const attempt = this.findAttempt(id);
    if (attempt === undefined) {
      throw new SolsticeError('internal', `run ${this.head.runId} has no attempt ${id}`);
    }
    return attempt;
  }

  setNode(node: NodeFlow): void {
    const position = this.graph.position(node.id);
    if (position === undefined) {
      throw new SolsticeError('internal', `run ${this.head.runId} has no node ${node.id}`);
    }
    this.#changed.set(position, node);
  }

  setAttempt(attempt: AttemptView): void {
    const node = this.node(attempt.nodeId);
    this.setNode({ ...node, attempts: node.attempts.with(attempt.number - 1, attempt) });
  }

  finish(): RunFlow {
    return { ...this.head, nodes: withNodes(this.#base, this.#changed) };
  }
}

/** Lays one event over a draft. `run.planned` makes the draft. */
export function applyTo(draft: Draft | undefined, event: FlowEvent): Draft {
  if (event.kind === 'run.planned') {
    if (draft !== undefined || event.seq !== 1) {
      throw new SolsticeError('internal', `run ${event.runId} was planned twice`);
    }
    return new Draft(planned(event));
  }
  if (draft === undefined) {
    throw new SolsticeError('internal', `an event log begins with run.planned, not with ${event.kind}`);
  }
  if (event.seq !== draft.head.seq + 1) {
    throw new SolsticeError('internal', `run ${draft.head.runId}: event ${event.seq} after ${draft.head.seq}`);
  }
  draft.head = { ...draft.head, seq: event.seq };
  change(draft, event);
  return draft;
}

function planned(event: Extract<FlowEvent, { kind: 'run.planned' }>): RunFlow {
  return {
    runId: event.runId,
    seq: event.seq,
    state: 'queued',
    spec: event.spec,
    ...tallyOf(event.spec, firstNodes(event)),
    ...(event.rerun && { rerun: event.rerun }),
    ...(event.held && { held: event.held }),
    createdAt: event.at,
  };
}

function change(draft: Draft, event: Exclude<FlowEvent, { kind: 'run.planned' }>): void {
  switch (event.kind) {
    case 'run.admitted':
      draft.head = { ...withoutHeld(draft.head), admittedAt: event.at };
      return;
    case 'gate.decided': {
      const node = draft.node(event.nodeId);
      draft.setNode({ ...node, decisions: [...(node.decisions ?? []), event.decision] });
      return;
    }
    case 'run.started':
      moveRun(draft, 'running');
      draft.head = { ...draft.head, startedAt: event.at };
      return;
    case 'run.cancel-requested':
      draft.head = { ...draft.head, cancelRequested: { ...intentOf(event), at: event.at } };
      return;
    case 'run.ended':
      moveRun(draft, event.state);
      draft.head = { ...withoutHeld(draft.head), endedAt: event.at, ...(event.cause && { cause: event.cause }) };
      return;
    case 'node.readied': {
      const before = draft.node(event.nodeId).state;
      const node = moveNode(draft, event.nodeId, 'ready');
      if (event.texts !== undefined) {
        requireTexts(draft, event.nodeId, before, event.texts);
      }
      if (before === 'waiting') {
        draft.setNode({ ...node, readyAt: event.at, ...(event.texts && { texts: event.texts }) });
        draft.head = { ...draft.head, lateLength: draft.head.lateLength + lengthOf(event.texts) };
        countCell(draft, event.nodeId, 1);
      }
      return;
    }
    case 'node.started':
      moveNode(draft, event.nodeId, 'running');
      return;
    case 'node.ended':
      endNode(draft, event);
      return;
    case 'attempt.queued':
      queueAttempt(draft, event);
      return;
    case 'attempt.due':
      draft.setAttempt({ ...draft.attempt(event.attemptId), due: true });
      return;
    case 'attempt.claimed': {
      const { hostId, workerId, requestId } = event;
      const attempt = moveAttempt(draft, event.attemptId, 'claimed');
      draft.setAttempt({ ...attempt, hostId, workerId, requestId, claimedAt: event.at });
      return;
    }
    case 'attempt.started':
      draft.setAttempt({ ...moveAttempt(draft, event.attemptId, 'running'), startedAt: event.at });
      return;
    case 'attempt.cancel-requested': {
      const attempt = draft.attempt(event.attemptId);
      if (attempt.cancelRequested === undefined) {
        countInBranches(draft, attempt.nodeId);
      }
      draft.setAttempt({ ...attempt, cancelRequested: { ...intentOf(event), at: event.at } });
      return;
    }
    case 'attempt.ended': {
      const attempt = moveAttempt(draft, event.attemptId, event.state);
      draft.setAttempt({ ...attempt, endedAt: event.at, ...(event.cause && { cause: event.cause }) });
      return;
    }
    default:
      assertNever(event);
  }
}

/** They are resolved once, when its turn comes; each has its place by its number. */
function requireTexts(draft: Draft, nodeId: string, before: NodeFlow['state'], texts: readonly string[]): void {
  if (before !== 'waiting' || texts.length !== lateTextsOf(draft.graph.spec(nodeId)).length) {
    throw illegal(draft, `${texts.length} texts of node ${nodeId}, which was ${before}`);
  }
}

function withoutHeld({ held: _held, ...head }: Head): Head {
  return head;
}

function endNode(draft: Draft, event: Extract<FlowEvent, { kind: 'node.ended' }> & { at: number }): void {
  const { nodeId, state, at, cause, outputs, tolerated } = event;
  const before = draft.node(nodeId).state;
  const node = moveNode(draft, nodeId, state);
  draft.setNode({
    ...node,
    endedAt: at,
    ...(cause && { cause }),
    ...(outputs && { outputs }),
    ...(tolerated && { tolerated }),
  });
  for (const dependent of draft.graph.dependents(nodeId)) {
    const waiting = draft.node(dependent);
    draft.setNode({ ...waiting, openNeeds: waiting.openNeeds - 1 });
  }
  const { head } = draft;
  const isMain = draft.graph.spec(nodeId)?.onFailure !== true;
  draft.head = {
    ...head,
    openNodes: head.openNodes - 1,
    openMain: head.openMain - (isMain ? 1 : 0),
    succeeded: head.succeeded + (state === 'succeeded' ? 1 : 0),
    ...(isMain && isBroken({ state, tolerated }) && { broken: [...head.broken, nodeId] }),
  };
  countCell(draft, nodeId, before === 'waiting' ? 0 : -1);
  if (!isAskedToEnd(node)) {
    countInBranches(draft, nodeId);
  }
}

/** It has ended, or was asked to: one less for the deadlines of the branches that it stands in. */
function countInBranches(draft: Draft, nodeId: string): void {
  for (const { id } of branchesOf(draft.head.spec).limiting(nodeId)) {
    const { branches } = draft.head;
    draft.head = { ...draft.head, branches: { ...branches, [id]: (branches[id] ?? 0) - 1 } };
  }
}

/** Where the node is a cell of a matrix that may not run all of its cells at once. */
function countCell(draft: Draft, nodeId: string, change: number): void {
  const group = groupOf(draft.head.spec, nodeId);
  const known = group?.rules.maxParallel === undefined ? undefined : draft.head.groups[group.name];
  if (group === undefined || known === undefined) {
    return;
  }
  const cells = draft.graph.cells(group.name);
  let { next } = known;
  for (let cell = cells[next]; cell !== undefined && draft.node(cell).state !== 'waiting'; cell = cells[next]) {
    next += 1;
  }
  draft.head = {
    ...draft.head,
    groups: { ...draft.head.groups, [group.name]: { active: known.active + change, next } },
  };
}

function queueAttempt(draft: Draft, event: Extract<FlowEvent, { kind: 'attempt.queued' }>): void {
  const node = draft.node(event.nodeId);
  const previous = node.attempts.at(-1);
  const id = attemptIdOf(draft.head.runId, event.nodeId, event.number);
  if (node.state !== 'ready' || event.number !== node.attempts.length + 1 || event.attemptId !== id) {
    throw illegal(draft, `attempt ${event.attemptId} of a node that is ${node.state}`);
  }
  if (previous !== undefined && !isTerminal(previous.state)) {
    throw illegal(draft, `a second live attempt ${event.attemptId}`);
  }
  const attempt: AttemptView = {
    id: event.attemptId,
    nodeId: event.nodeId,
    number: event.number,
    state: 'queued',
    pool: event.pool,
    notBefore: event.notBefore,
    avoidHosts: event.avoidHosts,
    queuedAt: event.at,
  };
  draft.setNode({ ...node, attempts: [...node.attempts, attempt] });
}

function moveRun(draft: Draft, to: RunState): void {
  const { state } = draft.head;
  if (!canMove('run', state, to)) {
    throw illegal(draft, `run from ${state} to ${to}`);
  }
  draft.head = { ...draft.head, state: to };
}

function moveNode(draft: Draft, id: string, to: NodeFlow['state']): NodeFlow {
  const node = draft.node(id);
  if (!canMove('node', node.state, to)) {
    throw illegal(draft, `node ${id} from ${node.state} to ${to}`);
  }
  const moved = { ...node, state: to };
  draft.setNode(moved);
  return moved;
}

function moveAttempt(draft: Draft, id: string, to: AttemptView['state']): AttemptView {
  const attempt = draft.attempt(id);
  if (!canMove('attempt', attempt.state, to)) {
    throw illegal(draft, `attempt ${id} from ${attempt.state} to ${to}`);
  }
  const moved = { ...attempt, state: to };
  draft.setAttempt(moved);
  return moved;
}

function illegal(draft: Draft, what: string): SolsticeError {
  return new SolsticeError('internal', `run ${draft.head.runId}, event ${draft.head.seq}: illegal move: ${what}`);
}
