import { graphOf } from './graph.js';
import type { FlowEvent, NodeFlow, Origin } from './messages.js';
import type { RunSpec } from './spec.js';

/** The nodes of a run that has just been planned: those that are not done again have ended with it. */
export function firstNodes(planned: Extract<FlowEvent, { kind: 'run.planned' }>): NodeFlow[] {
  const { spec, at } = planned;
  const reused = new Map(Object.entries(planned.reused ?? {}));
  return spec.nodes.map(({ id }): NodeFlow => {
    const openNeeds = graphOf(spec)
      .needs(id)
      .filter((need) => !reused.has(need)).length;
    const before = reused.get(id);
    if (before === undefined) {
      return { id, state: 'waiting', attempts: [], openNeeds };
    }
    const { runId, state, cause, outputs, tolerated, decisions } = before;
    return {
      ...{ id, state, attempts: [], openNeeds, endedAt: at, reusedFrom: runId },
      ...(cause && { cause }),
      ...(outputs && { outputs }),
      ...(tolerated && { tolerated }),
      ...(decisions && { decisions }),
    };
  });
}

/** Why a run cannot come from there; undefined: it can. */
export function problemOfOrigin(spec: RunSpec, { reused }: Origin): string | undefined {
  const graph = graphOf(spec);
  const known = new Set(Object.keys(reused ?? {}));
  for (const id of known) {
    if (graph.spec(id) === undefined) {
      return `there is no node ${id} to reuse`;
    }
    const anew = graph.needs(id).find((need) => !known.has(need));
    if (anew !== undefined) {
      return `${id} cannot be reused: it needs ${anew}, which is done again`;
    }
  }
  return undefined;
}
