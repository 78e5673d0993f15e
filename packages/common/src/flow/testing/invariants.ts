import { expect } from 'vitest';
import { graphOf, groupOf, matrixOf } from '../graph.js';
import type { NodeFlow, RunFlow } from '../messages.js';
import { attemptOf, attemptsOf, nodeOf, nodesOf } from '../node-table.js';
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
  const reach = <S extends string>(from: S, to: S, can: (a: S, b: S) => boolean, all: readonly S[]): boolean =>
    from === to || all.some((middle) => can(from, middle) && (middle === to || can(middle, to)));
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
    const mayGo = spec.needs.every((need) => allows(run, spec, need));
    if (node.state !== 'waiting') {
      expect(mayGo, `${node.id} is ${node.state}`).toBe(true);
    } else if (spec.needs.every((need) => isTerminal(nodeOf(run, need)?.state ?? 'waiting'))) {
      // All has ended and it still waits: only for its place in a matrix.
      const group = groupOf(run.spec, node.id);
      expect(mayGo).toBe(true);
      expect(activeIn(run, group?.name)).toBe(group?.rules.maxParallel);
    }
  }
  for (const [name, { maxParallel = 99 }] of Object.entries(run.spec.groups ?? {})) {
    expect(activeIn(run, name)).toBeLessThanOrEqual(maxParallel);
  }
  for (const node of nodesOf(run)) {
    requireAttempts(run, node);
    requireWaiter(run, node);
  }
  const { nodes: _nodes, broken, ...tally } = tallyOf(run.spec, nodesOf(run));
  expect(run).toMatchObject(tally);
  expect(run.broken.toSorted()).toEqual(broken.toSorted());
  expect(isTerminal(run.state)).toBe(run.openNodes === 0);
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
    const isWait = graphOf(run.spec).spec(node.id)?.kind === 'wait';
    expect(node.state === 'waiting' || (isWait && timers.some(({ kind }) => kind === 'wait'))).toBe(true);
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
  const states = nodesOf(run).map((node) => (node.tolerated === true ? 'succeeded' : node.state));
  if (run.cancelRequested !== undefined) {
    expect(run.state).toBe('cancelled');
  } else if (states.includes('failed') || states.includes('timed_out')) {
    expect(run.state).toBe('failed');
  } else {
    expect(run.state).toBe(states.includes('cancelled') ? 'cancelled' : 'succeeded');
  }
  expect(run.state === 'succeeded').toBe(run.cause === undefined);
  expect(timersOf(run)).toEqual([]);
}
