import { assertNever, SolsticeError } from '../errors/index.js';
import type { AttemptView, FlowEvent, NodeFlow, RunFlow } from './messages.js';
import { canMove, isTerminal, type RunState } from './states.js';

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

type Head = Omit<RunFlow, 'nodes' | 'attempts'>;

/** A run with changes laid over it. The run underneath stays as it is. */
export class Draft {
  head: Head;
  readonly #base: RunFlow;
  readonly #nodes = new Map<string, NodeFlow>();
  readonly #attempts = new Map<string, AttemptView>();

  constructor(base: RunFlow) {
    const { nodes: _nodes, attempts: _attempts, ...head } = base;
    this.head = head;
    this.#base = base;
  }

  node(id: string): NodeFlow {
    const node = this.#nodes.get(id) ?? ownValue(this.#base.nodes, id);
    if (node === undefined) {
      throw new SolsticeError('internal', `run ${this.head.runId} has no node ${id}`);
    }
    return node;
  }

  findAttempt(id: string): AttemptView | undefined {
    return this.#attempts.get(id) ?? ownValue(this.#base.attempts, id);
  }

  attempt(id: string): AttemptView {
    const attempt = this.findAttempt(id);
    if (attempt === undefined) {
      throw new SolsticeError('internal', `run ${this.head.runId} has no attempt ${id}`);
    }
    return attempt;
  }

  setNode(node: NodeFlow): void {
    this.#nodes.set(node.id, node);
  }

  setAttempt(attempt: AttemptView): void {
    this.#attempts.set(attempt.id, attempt);
  }

  finish(): RunFlow {
    return {
      ...this.head,
      nodes: overlay(this.#base.nodes, this.#nodes),
      attempts: overlay(this.#base.attempts, this.#attempts),
    };
  }
}

function overlay<T>(base: Record<string, T>, changes: ReadonlyMap<string, T>): Record<string, T> {
  if (changes.size === 0) {
    return base;
  }
  const result = { ...base };
  for (const [key, value] of changes) {
    result[key] = value;
  }
  return result;
}

/** Job ids are chosen by users: one of them may be called `constructor`. */
function ownValue<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
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
    nodes: Object.fromEntries(
      event.spec.nodes.map((node): [string, NodeFlow] => [node.id, { id: node.id, state: 'waiting', attemptIds: [] }]),
    ),
    attempts: {},
    openNodes: event.spec.nodes.length,
    createdAt: event.at,
  };
}

function change(draft: Draft, event: Exclude<FlowEvent, { kind: 'run.planned' }>): void {
  switch (event.kind) {
    case 'run.started':
      moveRun(draft, 'running');
      draft.head = { ...draft.head, startedAt: event.at };
      return;
    case 'run.cancel-requested':
      draft.head = { ...draft.head, cancelRequested: intentOf(event) };
      return;
    case 'run.ended':
      moveRun(draft, event.state);
      draft.head = { ...draft.head, endedAt: event.at, ...(event.cause && { cause: event.cause }) };
      return;
    case 'node.readied':
      moveNode(draft, event.nodeId, 'ready');
      return;
    case 'node.started':
      moveNode(draft, event.nodeId, 'running');
      return;
    case 'node.ended': {
      const node = moveNode(draft, event.nodeId, event.state);
      draft.setNode({ ...node, endedAt: event.at, ...(event.cause && { cause: event.cause }) });
      draft.head = { ...draft.head, openNodes: draft.head.openNodes - 1 };
      return;
    }
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
    case 'attempt.cancel-requested':
      draft.setAttempt({ ...draft.attempt(event.attemptId), cancelRequested: intentOf(event) });
      return;
    case 'attempt.ended': {
      const attempt = moveAttempt(draft, event.attemptId, event.state);
      draft.setAttempt({ ...attempt, endedAt: event.at, ...(event.cause && { cause: event.cause }) });
      return;
    }
    default:
      assertNever(event);
  }
}

function intentOf(event: { by: string; reason?: string; at: number }): { by: string; reason?: string; at: number } {
  return { by: event.by, at: event.at, ...(event.reason !== undefined && { reason: event.reason }) };
}

function queueAttempt(draft: Draft, event: Extract<FlowEvent, { kind: 'attempt.queued' }>): void {
  const node = draft.node(event.nodeId);
  const previous = node.attemptIds.at(-1);
  if (node.state !== 'ready' || event.number !== node.attemptIds.length + 1 || draft.findAttempt(event.attemptId)) {
    throw illegal(draft, `attempt ${event.attemptId} of a node that is ${node.state}`);
  }
  if (previous !== undefined && !isTerminal(draft.attempt(previous).state)) {
    throw illegal(draft, `a second live attempt ${event.attemptId}`);
  }
  draft.setNode({ ...node, attemptIds: [...node.attemptIds, event.attemptId] });
  draft.setAttempt({
    id: event.attemptId,
    nodeId: event.nodeId,
    number: event.number,
    state: 'queued',
    pool: event.pool,
    notBefore: event.notBefore,
    avoidHosts: event.avoidHosts,
    queuedAt: event.at,
  });
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
