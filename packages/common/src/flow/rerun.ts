import { decide } from './decide.js';
import { describeCause } from './describe-cause.js';
import { causeOfIntent } from './ending.js';
import { evolveAll } from './evolve.js';
import { graphOf, groupOf } from './graph.js';
import { isRefusal, type NodeFlow, type Refusal, type ReusedNode, type RunFlow } from './messages.js';
import { nodeOf, nodesOf } from './node-table.js';
import { matrixAsActor } from './settle.js';
import type { RunSpec } from './spec.js';
import { isTerminal, type TerminalNodeState } from './states.js';
import { refusal } from './turn.js';

/**
 * What of an ended run is done again, with all that depends on it, and with what was cut off (`wasCutOff`). `node`: a
 * node, or a written id of several. `here`: although it went to another installation.
 */
export type Rerun = ({ kind: 'all' } | { kind: 'failed' } | { kind: 'node'; nodeId: string }) & { here?: true };

/**
 * What the new run takes from this one, which stays as it is. Refused: the run has not ended, it goes on elsewhere, there
 * is nothing to do again, or what is asked for would only end as it did.
 */
export function planRerun(run: RunFlow, which: Rerun): { reused: Record<string, ReusedNode> } | Refusal {
  if (!isTerminal(run.state)) {
    return refusal(`the run has not ended: it is ${run.state}`, run.state);
  }
  const intent = run.cancelRequested;
  if (intent?.because?.kind === 'exported' && which.here !== true) {
    return refusal(
      `${intent.by} exported it, and it goes on where it was imported. Do it again there; or say that it is to be done here (--here), if it was imported nowhere or has ended there`,
      run.state,
    );
  }
  const asked = askedNodes(run, which);
  if (isRefusal(asked)) {
    return asked;
  }
  if (asked.length === 0) {
    return refusal('nothing of it failed, so there is nothing to do again', run.state);
  }
  const cutOff = nodesOf(run).filter((node) => wasCutOff(run.spec, node));
  const again = downstreamOf(run.spec, [...asked, ...cutOff.map(({ id }) => id)]);
  const reused = Object.fromEntries(
    nodesOf(run)
      .filter(({ id }) => !again.has(id) && graphOf(run.spec).spec(id)?.onFailure !== true)
      .map((node): [string, ReusedNode] => [node.id, reusedOf(run, node)]),
  );
  const why = which.kind === 'all' ? undefined : whyInVain(run, asked, reused);
  return why === undefined ? { reused } : refusal(why, run.state);
}

function askedNodes(run: RunFlow, which: Rerun): readonly string[] | Refusal {
  const { spec } = run;
  switch (which.kind) {
    case 'all':
      return spec.nodes.map(({ id }) => id);
    case 'failed':
      return nodesOf(run)
        .filter((node) => graphOf(spec).spec(node.id)?.onFailure !== true && hasFallenShort(node))
        .map(({ id }) => id);
    case 'node': {
      const found = nodesCalled(spec, which.nodeId);
      if (found.length > 0) {
        return found;
      }
      const there = spec.nodes.map(({ id }) => id).join(', ');
      return refusal(`the run has nothing that is called ${which.nodeId}; there is ${there}`, run.state, 'invalid');
    }
  }
}

/** It did not come to its end, or others are to blame that it never began. Its own choice is none of these. */
function hasFallenShort({ state, cause }: NodeFlow): boolean {
  return state === 'skipped' ? cause?.kind !== 'condition' : state !== 'succeeded';
}

/**
 * It did not come to its end, and nobody decided against it: the deadline of the run came, the run went elsewhere, another
 * cell of its matrix failed, its worker called it cancelled although nobody had asked. There is no end of it that could be taken over, and a run that took it would be cancelled
 * without anybody having cancelled it. Where a person cancelled the run, or a newer one came, that counts.
 */
function wasCutOff(spec: RunSpec, { id, state, cause, attempts }: NodeFlow): boolean {
  if (state !== 'cancelled') {
    return false;
  }
  // What its worker came to while it was being ended is no reason for the end.
  const wish = attempts.at(-1)?.cancelRequested;
  const why = wish === undefined ? cause : causeOfIntent(wish);
  // With a reason of its own an attempt that was not asked to end has called itself cancelled. A node that was taken over from
  // an earlier run has none here, and was judged when it was.
  const ownWord = attempts.length > 0;
  switch (why?.kind) {
    case undefined:
    case 'exported':
      return true;
    case 'cancelled': {
      const group = groupOf(spec, id);
      return group !== undefined && why.by === matrixAsActor(group.name);
    }
    case 'superseded':
      return false;
    case 'clock':
      return why.clock === 'workflow' || ownWord;
    default:
      return ownWord;
  }
}

/** The nodes that a written id stands for: one, the cells of a matrix, a branch and all that stands in it. */
function nodesCalled(spec: RunSpec, id: string): readonly string[] {
  const bundle = Object.hasOwn(spec.bundles ?? {}, id) ? spec.bundles?.[id] : undefined;
  if (bundle !== undefined) {
    return bundle;
  }
  return graphOf(spec).spec(id) === undefined ? graphOf(spec).cells(id) : [id];
}

/** With these themselves. */
function downstreamOf(spec: RunSpec, from: readonly string[]): ReadonlySet<string> {
  const found = new Set(from);
  // The set grows while it is gone through.
  for (const id of found) {
    for (const dependent of graphOf(spec).dependents(id)) {
      found.add(dependent);
    }
  }
  return found;
}

function reusedOf(run: RunFlow, node: NodeFlow): ReusedNode {
  const { cause, outputs, tolerated, decisions } = node;
  return {
    runId: node.reusedFrom ?? run.runId,
    state: node.state as TerminalNodeState,
    ...(cause && { cause }),
    ...(outputs && { outputs }),
    ...(tolerated && { tolerated }),
    ...(decisions && { decisions }),
  };
}

/** Would all of it be skipped at once again, for the sake of what is not done again? */
function whyInVain(run: RunFlow, asked: readonly string[], reused: Record<string, ReusedNode>): string | undefined {
  const events = decide(undefined, { kind: 'plan', runId: run.runId, spec: run.spec, reused }, run.endedAt ?? 0);
  if (isRefusal(events)) {
    return events.reason;
  }
  const planned = evolveAll(undefined, events);
  const nodes = asked.map((id) => nodeOf(planned, id));
  const [first] = nodes;
  return first === undefined || nodes.some((node) => node?.state !== 'skipped')
    ? undefined
    : `${first.id} would be skipped: ${first.cause === undefined ? 'nothing has changed' : describeCause(first.cause)}`;
}
