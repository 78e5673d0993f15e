import type { Cause } from './cause.js';
import { contextIn, judgeCondition } from './conditions.js';
import type { Draft } from './evolve.js';
import { reasonToSkip } from './join.js';
import type { NodeFlow } from './messages.js';
import { reasonNotToLook } from './on-failure.js';
import type { NodeSpec } from './spec.js';

/** Whether a node may go on. `holds`: what its condition came to, where it has one. */
export type NodeVerdict = { kind: 'go'; holds?: boolean } | { kind: 'skip' | 'fail'; cause: Cause };

/**
 * Said once all that it needs has ended. First whether it was asked for at all: a node on the side that a branch did not
 * take is not there because of others, however those ended. Then the join; what has no condition is through with that.
 */
export function verdictOn(draft: Draft, spec: NodeSpec): NodeVerdict {
  const cause =
    reasonNotTaken(draft, spec) ??
    (spec.onFailure === true ? reasonNotToLook(draft.head) : undefined) ??
    reasonToSkip(draft, spec.id);
  if (cause !== undefined) {
    return { kind: 'skip', cause };
  }
  if (spec.when === undefined) {
    return { kind: 'go' };
  }
  const { spec: run } = draft.head;
  const judged = judgeCondition(
    run,
    spec.when,
    contextIn(run, spec.id, (id) => draft.findNode(id)),
  );
  if ('problem' in judged) {
    return { kind: 'fail', cause: { kind: 'expression', detail: `${spec.when}: ${judged.problem}` } };
  }
  // A branch goes on either way.
  return judged.holds || spec.kind === 'branch'
    ? { kind: 'go', holds: judged.holds }
    : { kind: 'skip', cause: { kind: 'condition', detail: `${spec.when} is false` } };
}

/** A node stands in a branch that went to the other side, or was not asked for itself; undefined: it may go on. */
function reasonNotTaken(draft: Draft, node: NodeSpec): Cause | undefined {
  const { branch } = node;
  const decided = branch && draft.findNode(branch.id);
  if (branch === undefined || decided === undefined) {
    return undefined;
  }
  const detail = notTaken(draft.graph.spec(branch.id), decided, branch.side);
  return detail === undefined ? undefined : { kind: 'condition', detail };
}

/** The same, also for the sake of the branches around that one, before its turn has come. */
export function reasonNotReached(draft: Draft, node: NodeSpec): Cause | undefined {
  const around = node.branch && draft.graph.spec(node.branch.id);
  return reasonNotTaken(draft, node) ?? (around && reasonNotReached(draft, around));
}

function notTaken(spec: NodeSpec | undefined, branch: NodeFlow, side: string): string | undefined {
  const { id, state, cause } = branch;
  if (state === 'succeeded') {
    const taken = branch.outputs?.taken;
    return taken === side ? undefined : `branch ${id} went to ${taken}: ${spec?.when ?? ''} is ${taken === 'then'}`;
  }
  // Where others are at the root of it, the join says so.
  if (state === 'skipped') {
    return cause?.kind === 'condition' ? `branch ${id} was skipped: ${cause.detail}` : undefined;
  }
  return branch.tolerated === true ? `branch ${id} took no side` : undefined;
}
