import type { Cause } from './cause.js';
import { graphOf } from './graph.js';
import type { RunFlow } from './messages.js';
import type { RunSpec } from './spec.js';

// Nodes that look on: they begin when everything else has ended and something failed, and change nothing of the result.

// Only a memo: a specification is frozen.
const known = new WeakMap<RunSpec, readonly string[]>();

/** Their ids, in the order of the file. */
export function lookersOn(spec: RunSpec): readonly string[] {
  let ids = known.get(spec);
  if (ids === undefined) {
    ids = spec.nodes.filter(({ onFailure }) => onFailure === true).map(({ id }) => id);
    known.set(spec, ids);
  }
  return ids;
}

/** Everything else has ended well: there is nothing for them to do. */
export function reasonNotToLook(head: Pick<RunFlow, 'broken' | 'cancelRequested'>): Cause | undefined {
  return head.broken.length > 0 || head.cancelRequested?.because?.kind === 'deadline'
    ? undefined
    : { kind: 'condition', detail: 'nothing failed' };
}

/** Why they could never begin, or hold up all else; undefined: they can. The parser cannot make such a run. */
export function problemOfLookers(spec: RunSpec): string | undefined {
  const looking = new Set(lookersOn(spec));
  if (looking.size === 0) {
    return undefined;
  }
  if (looking.size === spec.nodes.length) {
    return 'a run needs at least one job that is not for failures only';
  }
  for (const { id, branch } of spec.nodes) {
    if (branch !== undefined && looking.has(id) && !looking.has(branch.id)) {
      return `job ${id} begins when all others have ended, and stands in branch ${branch.id}`;
    }
    const need = looking.has(id)
      ? undefined
      : graphOf(spec)
          .needs(id)
          .find((one) => looking.has(one));
    if (need !== undefined) {
      return `job ${id} needs ${need}, which begins only when all others have ended`;
    }
  }
  return undefined;
}
