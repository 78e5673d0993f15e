/** The jobs by how far from the start they are: each stage needs at least one job of the stage before. */
export function stagesOf<Node extends { id: string; needs: readonly string[] }>(nodes: readonly Node[]): Node[][] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const depths = new Map<string, number>();
  const depthOf = (node: Node): number => {
    const known = depths.get(node.id);
    if (known !== undefined) return known;
    // Plans have no cycles; the mark keeps a broken one from going round for ever.
    depths.set(node.id, 0);
    const needed = node.needs.flatMap((id) => byId.get(id) ?? []);
    const depth = needed.length === 0 ? 0 : 1 + Math.max(...needed.map(depthOf));
    depths.set(node.id, depth);
    return depth;
  };
  const stages: Node[][] = [];
  for (const node of nodes) {
    const depth = depthOf(node);
    while (stages.length <= depth) stages.push([]);
    stages[depth]?.push(node);
  }
  return stages;
}
