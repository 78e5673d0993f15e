import { expect } from 'vitest';
import { conditionContextOf, evaluateIn, judgeCondition } from '../conditions.js';
import { standingOf } from '../gate-standing.js';
import { graphOf, groupOf, matrixOf } from '../graph.js';
import { lateTextsOf } from '../late-places.js';
import type { NodeFlow, RunFlow } from '../messages.js';
import { attemptOf, attemptsOf, nodeOf, nodesOf } from '../node-table.js';
import { imageOf, resolvedJobOf } from '../resolved.js';
import { maxAttemptsOf } from '../retries.js';
import type { NodeSpec } from '../spec.js';
import { canMove, isTerminal } from '../states.js';
import { tallyOf } from '../tally.js';
import { timersOf, timersOfNode } from '../timers.js';
import { waitingFor } from '../waiting.js';

// What must hold of every run, whatever was said to it.

/** Every state that the two runs share moved by the tables, or did not move. */
export function requireLegal(before: RunFlow, after: RunFlow): void {
  // A command may take several moves; each alone is checked by evolve, the way from state to state here.
  const reach = <S extends string>(from: S, to: S, can: (a: S, b: S) => boolean, all: readonly S[]): boolean => {
    const reached = new Set([from]);
    for (const state of reached) {
      for (const next of all.filter((one) => can(state, one))) {
        reached.add(next);
      }
    }
    return reached.has(to);
  };
  const nodeStates = [
    'waiting',
    'ready',
    'running',
    'succeeded',
    'failed',
    'timed_out',
    'cancelled',
    'skipped',
  ] as const;
  for (const node of nodesOf(after)) {
    const old = nodeOf(before, node.id);
    expect(reach(old?.state ?? 'waiting', node.state, (a, b) => canMove('node', a, b), nodeStates)).toBe(true);
    if (old !== undefined && isTerminal(old.state)) {
      // What still counts down in it is how many of the nodes that it needs have not ended.
      expect({ ...node, openNeeds: 0 }).toEqual({ ...old, openNeeds: 0 });
    }
  }
  for (const attempt of attemptsOf(before).filter(({ state }) => isTerminal(state))) {
    expect(attemptOf(after, attempt.id)).toEqual(attempt);
  }
  if (isTerminal(before.state)) {
    expect(after).toEqual(before);
  }
}

const hasFailed = (node: NodeFlow | undefined): boolean => node?.state === 'failed' || node?.state === 'timed_out';

/** Does this need let the node go on? Said once more, in other words than join.ts. */
function allows(run: RunFlow, node: NodeSpec, need: string): boolean {
  const found = nodeOf(run, need);
  const on = node.needsOn?.[need];
  if (found === undefined || !isTerminal(found.state) || on === 'always') {
    return found !== undefined && isTerminal(found.state);
  }
  if (on === 'failed') {
    const group = groupNameOf(run, need);
    const mates = node.needs.filter(
      (other) => node.needsOn?.[other] === 'failed' && group !== undefined && groupNameOf(run, other) === group,
    );
    return [need, ...mates].some((other) => hasFailed(nodeOf(run, other)));
  }
  const own = found.state === 'skipped' && found.cause?.kind === 'condition';
  return found.state === 'succeeded' || found.tolerated === true || own;
}

export function requireNeeds(run: RunFlow): void {
  for (const spec of run.spec.nodes) {
    const node = nodeOf(run, spec.id);
    if (node === undefined || node.state === 'skipped' || node.state === 'cancelled') {
      continue;
    }
    const mayGo = mayBegin(run, spec);
    if (node.state !== 'waiting') {
      // The time of what it stands in may be over before its turn comes.
      const overdue = node.cause?.kind === 'clock' && node.cause.clock === 'branch';
      const unjudged = node.cause?.kind === 'expression' || node.cause?.kind === 'text';
      expect(mayGo || overdue || unjudged, `${node.id} is ${node.state}`).toBe(true);
    } else if (spec.needs.every((need) => isTerminal(nodeOf(run, need)?.state ?? 'waiting'))) {
      if (run.held === true) {
        continue;
      }
      // All has ended and it still waits: only for its place in a matrix, or because it is for failures.
      const group = groupOf(run.spec, node.id);
      const looksOn = spec.onFailure === true && openMain(run).length > 0;
      expect(looksOn || (mayGo && activeIn(run, group?.name) === group?.rules.maxParallel)).toBe(true);
    }
  }
  for (const spec of run.spec.nodes) {
    const node = nodeOf(run, spec.id);
    if (node?.state === 'skipped') {
      expect(mayBegin(run, spec), `${node.id} is skipped: ${JSON.stringify(node.cause)}`).toBe(false);
      expect(node.attempts).toEqual([]);
    }
    if (spec.onFailure === true && openMain(run).length > 0) {
      expect(['waiting', 'cancelled']).toContain(node?.state);
    }
  }
  requireEnclosing(run);
  for (const [name, { maxParallel = 99 }] of Object.entries(run.spec.groups ?? {})) {
    expect(activeIn(run, name)).toBeLessThanOrEqual(maxParallel);
  }
  for (const node of nodesOf(run)) {
    requireAttempts(run, node);
    requireWaiter(run, node);
    requireTexts(run, node);
  }
  const { nodes: _nodes, broken, ...tally } = tallyOf(run.spec, nodesOf(run));
  expect(run).toMatchObject(tally);
  expect(run.broken.toSorted()).toEqual(broken.toSorted());
  expect(isTerminal(run.state)).toBe(run.openNodes === 0);
}

function openMain(run: RunFlow): NodeSpec[] {
  return run.spec.nodes.filter(
    ({ id, onFailure }) => onFailure !== true && !isTerminal(nodeOf(run, id)?.state ?? 'waiting'),
  );
}

/** Said once more, in other words than verdict.ts. */
function mayBegin(run: RunFlow, spec: NodeSpec): boolean {
  const { branch, when } = spec;
  const decided = branch && nodeOf(run, branch.id);
  if (!spec.needs.every((need) => allows(run, spec, need)) || (decided && decided.outputs?.taken !== branch?.side)) {
    return false;
  }
  const nothingFailed = run.broken.length === 0 && !wasOverdue(run);
  if (spec.onFailure === true && nothingFailed) {
    return false;
  }
  const judged =
    when === undefined ? { holds: true } : judgeCondition(run.spec, when, conditionContextOf(run, spec.id));
  return 'holds' in judged && (judged.holds || spec.kind === 'branch');
}

/** Its deadline came, and not that of the run which it does again; whoever cancelled what was left of it later. */
function wasOverdue(run: RunFlow): boolean {
  return nodesOf(run).some(
    ({ cause, attempts, reusedFrom }) =>
      (reusedFrom === undefined && cause?.kind === 'clock' && cause.clock === 'workflow') ||
      attempts.some(({ cancelRequested }) => cancelRequested?.because?.kind === 'deadline'),
  );
}

/** No deadline of a run or of a branch leaves anything behind that nobody was asked to end. */
function requireEnclosing(run: RunFlow): void {
  const isLeft = (node: NodeFlow | undefined): boolean =>
    node !== undefined && !isTerminal(node.state) && node.attempts.at(-1)?.cancelRequested === undefined;
  if (run.cancelRequested !== undefined) {
    expect(openMain(run).filter(({ id }) => isLeft(nodeOf(run, id)))).toEqual([]);
  }
  const keys = timersOf(run).map(({ key }) => key);
  const isDue =
    run.spec.deadlineMs !== undefined &&
    run.cancelRequested === undefined &&
    run.held === undefined &&
    openMain(run).length > 0;
  expect(keys.includes(`workflow:${run.runId}`)).toBe(isDue);
  for (const { id, kind, deadlineMs } of run.spec.nodes) {
    const standsIn = (node: NodeSpec | undefined): boolean =>
      node?.branch !== undefined && (node.branch.id === id || standsIn(graphOf(run.spec).spec(node.branch.id)));
    const inside = run.spec.nodes.filter(standsIn).map((one) => nodeOf(run, one.id));
    const isDecided =
      kind === 'branch' && deadlineMs !== undefined && nodeOf(run, id)?.state === 'succeeded' && run.held === undefined;
    expect(keys.includes(`branch:${run.runId}/${id}`)).toBe(isDecided && inside.some(isLeft));
  }
}

function groupNameOf(run: RunFlow, nodeId: string): string | undefined {
  return matrixOf(graphOf(run.spec).spec(nodeId))?.group;
}

function activeIn(run: RunFlow, group: string | undefined): number {
  return nodesOf(run).filter(
    ({ id, state }) => groupNameOf(run, id) === group && (state === 'ready' || state === 'running'),
  ).length;
}

function requireAttempts(run: RunFlow, node: NodeFlow): void {
  const spec = graphOf(run.spec).job(node.id);
  const { attempts } = node;
  const live = attempts.filter(({ state }) => !isTerminal(state));
  expect(live.length).toBe(spec !== undefined && (node.state === 'ready' || node.state === 'running') ? 1 : 0);
  const infra = attempts.filter(({ state }) => state === 'lost' || state === 'refused');
  expect(infra.length).toBeLessThanOrEqual(maxAttemptsOf(spec));
  const earlier = attempts.slice(0, -1);
  // What is exclusive may have run once, unless it was seen to end, or its workflow says otherwise.
  if (spec?.exclusive === true && spec.retry?.on.includes('infra') !== true) {
    expect(earlier.filter((attempt) => attempt.state === 'lost' && attempt.startedAt !== undefined)).toEqual([]);
  }
  const failed = earlier.filter((attempt) => attempt.state === 'failed' || attempt.state === 'timed_out');
  const elsewhere = spec?.place?.on === 'any' ? spec.place.hosts.length + 1 : 0;
  expect(failed.length).toBeLessThanOrEqual((spec?.retry?.times ?? 0) + elsewhere);
  for (const [index, attempt] of attempts.entries()) {
    expect(attempt.avoidHosts).toEqual([...new Set(attempts.slice(0, index).map((one) => one.hostId))]);
    const from = attempts[0]?.queuedAt ?? 0;
    expect(attempt.queuedAt).toBeLessThan(from + (spec?.deadlineMs ?? Number.POSITIVE_INFINITY));
    // A word of the steps alone is tried again for the reasons that were given.
    const on = spec?.retry?.on ?? [];
    if (failed.includes(attempt) && elsewhere === 0) {
      const asked = attempt.state === 'timed_out' ? 'timeout' : 'failed';
      expect(on.includes(asked) || (attempt.cause?.kind === 'exit' && on.includes('exit:3'))).toBe(true);
    }
  }
  if (hasFailed(node)) {
    expect(node.tolerated === true).toBe(graphOf(run.spec).spec(node.id)?.allowFailure === true);
  }
}

/** What its attempts go by is known before the first of them, and would come to the same if it were made again now. */
function requireTexts(run: RunFlow, node: NodeFlow): void {
  const spec = graphOf(run.spec).spec(node.id);
  const late = lateTextsOf(spec);
  if (spec === undefined || late.length === 0) {
    expect(node.texts).toBeUndefined();
    return;
  }
  if (node.attempts.length > 0) {
    expect(node.texts).toHaveLength(late.length);
  }
  if (node.texts !== undefined) {
    const context = conditionContextOf(run, node.id);
    const anew = late.map(({ pieces }) =>
      pieces.map((piece) => ('text' in piece ? piece : evaluateIn(run.spec, piece.expression, context))),
    );
    expect(node.texts).toEqual(anew.map((pieces) => pieces.map((one) => ('text' in one ? one.text : '?')).join('')));
    expect(JSON.stringify(resolvedJobOf(run, node.id))).not.toContain('"late"');
  } else {
    expect(imageOf(spec, node)).toBe(spec.kind === 'job' ? spec.image : undefined);
  }
}

/** Whatever has not ended is held by somebody who will go on with it: a host, a timer, the queue, or another node. */
function requireWaiter(run: RunFlow, node: NodeFlow): void {
  const timers = timersOfNode(run, node.id);
  expect(waitingFor(run, node.id) === undefined).toBe(isTerminal(node.state));
  if (isTerminal(node.state)) {
    expect(timers).toEqual([]);
    return;
  }
  const attempt = node.attempts.at(-1);
  if (attempt === undefined) {
    const spec = graphOf(run.spec).spec(node.id);
    const isTimed = spec?.kind === 'wait' && timers.some(({ kind }) => kind === 'wait');
    const isAsking = spec?.kind === 'gate' && standingOf(node, spec).missing > 0;
    expect(node.state === 'waiting' || isTimed || isAsking).toBe(true);
    expect(timers.some(({ kind }) => kind === 'gate')).toBe(isAsking && spec.timeoutMs !== undefined);
  } else if (attempt.state === 'queued') {
    const announced = attempt.notBefore <= attempt.queuedAt || attempt.due === true;
    expect(timers.some(({ kind }) => kind === 'backoff')).toBe(!announced);
  } else {
    // What a host has has no timer here: nothing overtakes its result.
    expect(attempt.hostId).toBeDefined();
    expect(timers).toEqual([]);
  }
}

/** How the whole run must read once it has ended. */
export function requireVerdict(run: RunFlow): void {
  const main = nodesOf(run).filter(({ id }) => graphOf(run.spec).spec(id)?.onFailure !== true);
  const states = main.map((node) => (node.tolerated === true ? 'succeeded' : node.state));
  const because = run.cancelRequested?.because?.kind;
  if (because === 'superseded' || because === 'exported') {
    expect(run.state).toBe(because === 'superseded' ? 'superseded' : 'cancelled');
    expect(run.cause?.kind).toBe(because);
  } else if (because === 'deadline') {
    expect(run).toMatchObject({ state: 'failed', cause: { kind: 'clock', clock: 'workflow' } });
  } else if (run.cancelRequested !== undefined) {
    expect(run.state).toBe('cancelled');
  } else if (states.includes('failed') || states.includes('timed_out')) {
    expect(run.state).toBe('failed');
  } else {
    expect(run.state).toBe(states.includes('cancelled') ? 'cancelled' : 'succeeded');
  }
  expect(run.state === 'succeeded').toBe(run.cause === undefined);
  expect(timersOf(run)).toEqual([]);
}
