import type { Placed } from './workflow.js';

type Standing = { id: string; what?: string } & Pick<Placed, 'branch'>;

/** What stands in which branch. */
export interface BranchTree<Node extends Standing = Standing> {
  /** Directly in it, on either side, in the order of the file. */
  membersOf(branch: string): readonly Node[];
  /** All in it, also in branches in it. */
  allIn(branch: string): Node[];
  /** The branches around a node, the innermost first. */
  pathOf(node: Standing): NonNullable<Placed['branch']>[];
}

/** Safe also for what is refused, as a branch in another one of the same id. */
export function branchTree<Node extends Standing>(nodes: readonly Node[]): BranchTree<Node> {
  const members = new Map<string, Node[]>();
  const byId = new Map<string, Node>();
  for (const node of nodes) {
    if (!byId.has(node.id)) byId.set(node.id, node);
    if (node.branch === undefined) continue;
    const list = members.get(node.branch.id);
    if (list === undefined) members.set(node.branch.id, [node]);
    else list.push(node);
  }
  const membersOf = (branch: string): readonly Node[] => members.get(branch) ?? [];
  return {
    membersOf,
    allIn(branch) {
      const seen = new Set<string>([branch]);
      const visit = (id: string): Node[] =>
        membersOf(id).flatMap((member) => {
          if (seen.has(member.id)) return [];
          seen.add(member.id);
          return [member, ...visit(member.id)];
        });
      return visit(branch);
    },
    pathOf(node) {
      const path: NonNullable<Placed['branch']>[] = [];
      const seen = new Set<string>();
      for (let at = node.branch; at !== undefined && !seen.has(at.id); at = byId.get(at.id)?.branch) {
        seen.add(at.id);
        path.push(at);
      }
      return path;
    },
  };
}
