import { assertNever } from '../errors/index.js';
import { branchesOf } from './branches.js';
import type { AttemptResult, Cause } from './cause.js';
import { admit, supersede } from './concurrency.js';
import { describeDuration } from './describe-cause.js';
import { type EnclosingTimer, enclosingLimits, enclosingTimers, saidOver } from './enclosing.js';
import { causeAfter, causeOfIntent, type Intent, nodeStateOfIntent } from './ending.js';
import { applyTo, Draft } from './evolve.js';
import { exportRun } from './export.js';
import { decideGate, expireGate } from './gates.js';
import type { AttemptView, Command, FlowEvent, Refusal, RunFlow } from './messages.js';
import { problemOfOrigin } from './origin.js';
import { problemOf } from './problem-of-spec.js';
import { afterFailure, afterInfrastructure, type Retry, withWhyNotAgain } from './retries.js';
import {
  begin,
  cancelNode,
  cancelRun,
  endAttempt,
  endNode,
  type NodeEnding,
  queueAttempt,
  settle,
  startRun,
} from './settle.js';
import type { JobSpec } from './spec.js';
import { isTerminal, type TerminalAttemptState } from './states.js';
import { deadlineOf, nodeOfTimer, timersFor } from './timers.js';
import { liveAttempt, refusal, Turn } from './turn.js';
import { reasonNotReached } from './verdict.js';

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
    return fire(turn, command.key);
  }
  switch (command.kind) {
    case 'decide':
      return decideGate(turn, command);
    case 'admit':
      return admit(turn);
    case 'supersede':
      return supersede(turn, command.byRunId);
    case 'export':
      return exportRun(turn, command);
    default:
      return ofAttempt(turn, command);
  }
}

function ofAttempt(turn: Turn, command: Extract<Command, { attemptId: string }>): FlowEvent[] | Refusal {
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

function plan(command: Extract<Command, { kind: 'plan' }>, now: number): FlowEvent[] | Refusal {
  const { runId, spec, rerun, reused, held, supersededBy } = command;
  const problem = problemOf(spec) ?? problemOfOrigin(spec, command);
  if (problem !== undefined) {
    return refusal(problem, 'none');
  }
  const origin = { ...(rerun && { rerun }), ...(reused && { reused }), ...(held && { held }) };
  const planned: FlowEvent = { seq: 1, at: now, kind: 'run.planned', runId, spec, ...origin };
  const turn = new Turn(applyTo(undefined, planned), now);
  if (supersededBy !== undefined) {
    supersede(turn, supersededBy);
  } else if (held === undefined) {
    begin(turn);
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
  startRun(turn);
  return turn.events;
}

function finish(turn: Turn, running: AttemptView, said: AttemptResult): FlowEvent[] | Refusal {
  const cancelled = running.cancelRequested !== undefined || said.state === 'cancelled';
  if (running.state !== 'running' && !(running.state === 'claimed' && cancelled)) {
    return refusal(`attempt ${running.id} is ${running.state}`, running.state);
  }
  const { attempt, result } = enclosed(turn, running, said);
  if (attempt.cancelRequested !== undefined || result.state === 'cancelled') {
    end(turn, attempt, 'cancelled', { state: 'cancelled', cause: result.cause });
    return turn.events;
  }
  const { state, cause, outputs } = result;
  if (state !== 'succeeded') {
    const { attempts } = turn.draft.node(attempt.nodeId);
    const next = inTime(turn, attempt, afterFailure(jobOf(turn, attempt), attempts.slice(0, -1), attempt, result));
    if (next.retry) {
      tryAgain(turn, attempt, state, cause, next.delayMs);
      return turn.events;
    }
    end(turn, attempt, state, { state, cause: withWhyNotAgain(cause, next.because), outputs });
    return turn.events;
  }
  end(turn, attempt, state, { state, cause, outputs });
  return turn.events;
}

/**
 * A runner may be the first to say that the deadline of the workflow, or of a branch, is over: that ends what else stands
 * in it too. One that is not believed has run out of time alone.
 */
function enclosed(
  turn: Turn,
  attempt: AttemptView,
  result: AttemptResult,
): { attempt: AttemptView; result: AttemptResult } {
  const clock = result.cause?.kind === 'clock' ? result.cause.clock : undefined;
  if (attempt.cancelRequested !== undefined || (clock !== 'workflow' && clock !== 'branch')) {
    return { attempt, result };
  }
  const { draft, now } = turn;
  const timer = saidOver(draft.head, attempt.nodeId, clock, (id) => draft.findNode(id), now);
  if (timer === undefined) {
    return { attempt, result: { ...result, state: 'timed_out' } };
  }
  endEnclosed(turn, timer);
  return { attempt: draft.findAttempt(attempt.id) ?? attempt, result };
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
  const { detail, retryable, problem } = command;
  const cause = {
    kind: 'refused' as const,
    detail,
    ...(attempt.hostId !== undefined && { hostId: attempt.hostId }),
    ...(problem !== undefined && { problem }),
  };
  failOver(turn, attempt, 'refused', cause, retryable);
  return turn.events;
}

function cancel(turn: Turn, command: Extract<Command, { kind: 'cancel' }>): FlowEvent[] | Refusal {
  const { head } = turn.draft;
  if (isTerminal(head.state)) {
    return refusal(`the run has ended: ${head.state}`, head.state);
  }
  // After the deadline of the run something of it may go on, for the failure's sake, until somebody cancels it.
  if (head.cancelRequested !== undefined && head.cancelRequested.because?.kind !== 'deadline') {
    return [];
  }
  cancelRun(turn, { by: command.by, ...(command.reason !== undefined && { reason: command.reason }) });
  return turn.events;
}

/** Early, or stale: nothing. A result that came in before, a claim, or a cancel has taken the timer away. */
function fire(turn: Turn, key: string): FlowEvent[] {
  const { draft, now } = turn;
  const enclosing = enclosingTimers(draft.head, (id) => draft.findNode(id)).find((one) => one.key === key);
  if (enclosing !== undefined) {
    return enclosing.fireAtMs > now ? [] : endEnclosed(turn, enclosing);
  }
  const nodeId = nodeOfTimer(draft.head.runId, key);
  const node = nodeId === undefined ? undefined : draft.findNode(nodeId);
  const spec = node && draft.graph.spec(node.id);
  if (node === undefined || spec === undefined) {
    return [];
  }
  const timer = timersFor(draft.head.runId, node, spec).find((one) => one.key === key);
  if (timer === undefined || timer.fireAtMs > now) {
    return [];
  }
  const attempt = liveAttempt(node);
  switch (timer.kind) {
    case 'backoff':
      turn.emit({ kind: 'attempt.due', attemptId: attempt?.id ?? '' });
      break;
    case 'wait':
      endNode(turn, node.id, { state: 'succeeded' });
      break;
    case 'gate':
      if (spec.kind === 'gate') {
        expireGate(turn, node.id, spec);
      }
      break;
    case 'queue':
    case 'deadline': {
      const limitMs = (timer.kind === 'deadline' ? spec.deadlineMs : spec.kind === 'job' ? spec.queueMs : 0) ?? 0;
      const cause: Cause = { kind: 'clock', clock: timer.kind, limitMs };
      if (attempt !== undefined) {
        endAttempt(turn, attempt, 'timed_out', cause);
      }
      endNode(turn, node.id, { state: 'timed_out', cause });
      break;
    }
    default:
      assertNever(timer.kind);
  }
  settle(turn);
  return turn.events;
}

/** The deadline of the run, or of a branch. */
function endEnclosed(turn: Turn, { branchId, limitMs }: EnclosingTimer): FlowEvent[] {
  // Whole, because it is what the log of a job says of its end.
  const who = branchId === undefined ? 'the workflow' : `branch ${branchId}`;
  const reason = `${who} did not end within its deadline of ${describeDuration(limitMs)}`;
  if (branchId === undefined) {
    cancelRun(turn, { by: 'workflow', reason, because: { kind: 'deadline', limitMs } });
    return turn.events;
  }
  const intent: Intent = { by: `branch ${branchId}`, reason, because: { kind: 'branch', branchId, limitMs } };
  for (const nodeId of branchesOf(turn.draft.head.spec).within(branchId)) {
    const spec = turn.draft.graph.spec(nodeId);
    const cause = spec && reasonNotReached(turn.draft, spec);
    if (cause !== undefined && turn.draft.node(nodeId).state === 'waiting') {
      // On the side that was not taken: it still waits for something else, and has not run out of any time.
      endNode(turn, nodeId, { state: 'skipped', cause });
    } else {
      cancelNode(turn, nodeId, intent);
    }
  }
  settle(turn);
  return turn.events;
}

function jobOf(turn: Turn, attempt: AttemptView): JobSpec | undefined {
  return turn.draft.graph.job(attempt.nodeId);
}

function deadlineAt(turn: Turn, attempt: AttemptView): number | undefined {
  return deadlineOf(turn.draft.node(attempt.nodeId), jobOf(turn, attempt));
}

/** An attempt that could not begin before the node's deadline is none, nor before that of what the node stands in. */
function inTime(turn: Turn, attempt: AttemptView, next: Retry): Retry {
  if (!next.retry) {
    return next;
  }
  const own = deadlineAt(turn, attempt) ?? Number.POSITIVE_INFINITY;
  const [enclosing] = enclosingLimits(turn.draft.head, attempt.nodeId, (id) => turn.draft.findNode(id));
  const until = Math.min(own, enclosing?.at ?? Number.POSITIVE_INFINITY);
  return turn.now + next.delayMs >= until
    ? { retry: false, because: 'its deadline leaves no time to try it again' }
    : next;
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
    end(turn, attempt, 'cancelled', { state: 'cancelled', cause });
    return;
  }
  const job = jobOf(turn, attempt);
  const until = deadlineAt(turn, attempt);
  if (job?.deadlineMs !== undefined && until !== undefined && turn.now >= until) {
    // Its runner would have said so, had it not been lost.
    endAttempt(turn, attempt, state, cause);
    const clock: Cause = { kind: 'clock', clock: 'deadline', limitMs: job.deadlineMs };
    endNode(turn, attempt.nodeId, { state: 'timed_out', cause: clock });
    settle(turn);
    return;
  }
  const earlier = turn.draft.node(attempt.nodeId).attempts.slice(0, -1);
  const next = inTime(turn, attempt, afterInfrastructure(job, earlier, attempt, retryable));
  if (next.retry) {
    tryAgain(turn, attempt, state, cause, next.delayMs);
    return;
  }
  const detail = next.because === undefined ? cause.detail : `${cause.detail}; ${next.because}`;
  end(turn, attempt, state, { state: 'failed', cause: { ...cause, detail } });
}

function tryAgain(
  turn: Turn,
  attempt: AttemptView,
  state: TerminalAttemptState,
  cause: Cause | undefined,
  delayMs: number,
): void {
  endAttempt(turn, attempt, state, cause);
  if (turn.draft.node(attempt.nodeId).state === 'running') {
    turn.emit({ kind: 'node.readied', nodeId: attempt.nodeId });
  }
  const avoidHosts = new Set(attempt.avoidHosts);
  if (attempt.hostId !== undefined) {
    avoidHosts.add(attempt.hostId);
  }
  queueAttempt(turn, attempt.nodeId, turn.now + delayMs, [...avoidHosts]);
}

/** The last attempt of a node, and with it the node, and what follows. */
function end(turn: Turn, attempt: AttemptView, attemptState: TerminalAttemptState, ending: NodeEnding): void {
  const intent = attempt.cancelRequested;
  const cause = intent === undefined ? ending.cause : causeAfter(intent, ending.cause);
  endAttempt(turn, attempt, attemptState, cause);
  // The attempt was cancelled, whatever its runner calls it; the node ran out of its branch's time.
  const overdue = intent !== undefined && nodeStateOfIntent(intent) === 'timed_out';
  endNode(turn, attempt.nodeId, overdue ? { state: 'timed_out', cause: causeOfIntent(intent) } : { ...ending, cause });
  settle(turn);
}
