import { problemOfBranches } from './branches.js';
import { graphOf } from './graph.js';
import { problemOfLateTexts } from './late-places.js';
import { problemOfLookers } from './on-failure.js';
import type { RunSpec } from './spec.js';

/** Why a run of this specification could never end; undefined: it can. The parser says it better, with positions. */
export function problemOf(spec: RunSpec): string | undefined {
  if (spec.nodes.length === 0) {
    return 'a run needs at least one job';
  }
  const ids = new Set<string>();
  for (const node of spec.nodes) {
    if (ids.has(node.id)) {
      return `two jobs are called ${node.id}`;
    }
    ids.add(node.id);
  }
  const graph = graphOf(spec);
  const open = new Map<string, number>();
  for (const node of spec.nodes) {
    const unknown = node.needs.find((need) => !ids.has(need));
    if (unknown !== undefined) {
      return `job ${node.id} needs ${unknown}, which there is not`;
    }
    open.set(node.id, graph.needs(node.id).length);
  }
  const free = spec.nodes.filter((node) => node.needs.length === 0).map((node) => node.id);
  let reached = 0;
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    reached += 1;
    for (const dependent of graph.dependents(id)) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) {
        free.push(dependent);
      }
    }
  }
  if (reached < spec.nodes.length) {
    return 'its jobs need each other in a circle';
  }
  return problemOfBranches(spec) ?? problemOfLookers(spec) ?? problemOfLateTexts(spec);
}
