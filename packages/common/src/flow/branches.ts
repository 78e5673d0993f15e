import { graphOf } from './graph.js';
import type { BranchSpec, NodeSpec, RunSpec } from './spec.js';

// Only a memo: a specification is frozen.
const known = new WeakMap<RunSpec, Branches>();

/** The branches of a run, by what stands in them. */
export interface Branches {
  /** The branches that have a deadline and that the node stands in, the innermost first. */
  limiting(nodeId: string): readonly BranchSpec[];
  /** What stands in a branch, and in branches in it, in the order of the file. */
  within(branchId: string): readonly string[];
  /** All that have a deadline. */
  limited: readonly BranchSpec[];
}

const none: Branches = { limiting: () => [], within: () => [], limited: [] };

export function branchesOf(spec: RunSpec): Branches {
  let branches = known.get(spec);
  if (branches === undefined) {
    branches = spec.nodes.some(({ branch }) => branch !== undefined) ? branchesIn(spec) : none;
    known.set(spec, branches);
  }
  return branches;
}

function branchesIn(spec: RunSpec): Branches {
  const graph = graphOf(spec);
  const around = new Map<string, readonly BranchSpec[]>();
  const enclosing = (node: NodeSpec): readonly BranchSpec[] => {
    let found = around.get(node.id);
    if (found === undefined) {
      const parent = node.branch && graph.spec(node.branch.id);
      found = parent?.kind === 'branch' ? [parent, ...enclosing(parent)] : [];
      around.set(node.id, found);
    }
    return found;
  };
  const within = new Map<string, string[]>();
  const limiting = new Map<string, readonly BranchSpec[]>();
  for (const node of spec.nodes) {
    const branches = enclosing(node);
    for (const { id } of branches) {
      const inside = within.get(id) ?? [];
      inside.push(node.id);
      within.set(id, inside);
    }
    const limited = branches.filter(({ deadlineMs }) => deadlineMs !== undefined);
    if (limited.length > 0) {
      limiting.set(node.id, limited);
    }
  }
  return {
    limiting: (nodeId) => limiting.get(nodeId) ?? [],
    within: (branchId) => within.get(branchId) ?? [],
    limited: spec.nodes.flatMap((node) => (node.kind === 'branch' && node.deadlineMs !== undefined ? [node] : [])),
  };
}

/** Why the nodes of a branch could never be decided; undefined: they can. The parser cannot make such a run. */
export function problemOfBranches(spec: RunSpec): string | undefined {
  const graph = graphOf(spec);
  for (const { id, branch, needs } of spec.nodes) {
    if (branch === undefined) {
      continue;
    }
    if (graph.spec(branch.id)?.kind !== 'branch') {
      return `${id} stands in branch ${branch.id}, which there is not`;
    }
    if (!needs.includes(branch.id)) {
      return `${id} stands in branch ${branch.id}, and does not need it`;
    }
  }
  return undefined;
}
