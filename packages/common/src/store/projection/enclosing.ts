import { attemptOf, type CancelIntent, enclosingLimits, nodeOf, type RunFlow } from '../../flow/index.js';
import type { CancelWish, CommandOutcome, EnclosingLeft, StartOutcome } from '../port/index.js';

/**
 * The start of an attempt, as its host hears of it. What is left of a deadline is told here and not with the claim: with the
 * first start in a run its deadline begins to count.
 */
export function startedWith(outcome: CommandOutcome, attemptId: string, now: Date): StartOutcome {
  if ('refused' in outcome) {
    return outcome;
  }
  const enclosing = enclosingLeft(outcome.state, attemptId, now);
  return { ...outcome, ...(enclosing !== undefined && { enclosing }) };
}

function enclosingLeft(run: RunFlow, attemptId: string, now: Date): EnclosingLeft | undefined {
  const nodeId = attemptOf(run, attemptId)?.nodeId ?? '';
  const [first] = enclosingLimits(run, nodeId, (id) => nodeOf(run, id));
  if (first === undefined) {
    return undefined;
  }
  const { at, branchId, limitMs } = first;
  return { limitMs, leftMs: Math.max(0, at - now.getTime()), ...(branchId !== undefined && { branchId }) };
}

/** A wish to cancel an attempt, as its host hears of it. */
export function cancelWishOf({ by, reason, because }: CancelIntent): CancelWish {
  return {
    by,
    ...(reason !== undefined && { reason }),
    ...(because?.kind === 'deadline' && { deadline: { limitMs: because.limitMs } }),
    ...(because?.kind === 'branch' && { deadline: { limitMs: because.limitMs, branchId: because.branchId } }),
  };
}
