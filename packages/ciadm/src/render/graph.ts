import { type NodeView, runName } from '@solstice/api';
import type { Colours } from '../output.js';
import { paintState } from './state.js';
import { oneLine } from './text.js';

/**
 * The whole graph with the states, for people: a line for each stage; under a branch what stands on its sides, and last
 * what begins only after a failure.
 *
 *     1  build succeeded (run 11), lint succeeded
 *     2  channel took then
 *        then  publish ready
 *        else  nightly skipped
 *     3  release: gate, 1 of 2 approvals missing
 *     !  tell waiting
 */
export function graphLines(nodes: readonly NodeView[], colours: Colours): string[] {
  const main = nodes.filter((node) => !node.onFailure);
  const lines: string[] = [];
  const inside = (node: NodeView, indent: string): void => {
    for (const side of ['then', 'else'] as const) {
      const members = main.filter(({ branch }) => branch?.id === node.id && branch.side === side);
      if (members.length === 0) continue;
      const name = node.taken === side ? colours.bold(side) : colours.dim(side);
      lines.push(`${indent}${name}  ${members.map((member) => nodeText(member, colours)).join(', ')}`);
      for (const member of members) inside(member, `${indent}      `);
    }
  };
  // What stands in a branch is shown there, so that a stage may be empty of others.
  const stages = stagesOf(main).map((stage) => stage.filter(({ branch }) => branch === undefined));
  for (const [index, stage] of stages.filter((one) => one.length > 0).entries()) {
    const number = String(index + 1).padStart(3);
    lines.push(`${colours.dim(number)}  ${stage.map((node) => nodeText(node, colours)).join(', ')}`);
    for (const node of stage) inside(node, '     ');
  }
  const after = nodes.filter((node) => node.onFailure);
  if (after.length > 0) {
    lines.push(`${colours.dim('  !')}  ${after.map((node) => nodeText(node, colours)).join(', ')}`);
  }
  return lines;
}

function nodeText(node: NodeView, colours: Colours): string {
  const { gate, reusedFrom, taken } = node;
  const said = taken === undefined ? paintState(node.state, colours) : colours.green(`took ${taken}`);
  const more = [
    ...(gate?.open
      ? [gate.count === 1 ? 'not approved yet' : `${gate.missing} of ${gate.count} approvals missing`]
      : []),
    ...(reusedFrom ? [`of ${runName(reusedFrom)}`] : []),
  ];
  const rest = more.length === 0 ? '' : colours.dim(` (${more.join(', ')})`);
  return `${oneLine(node.id)} ${said}${rest}`;
}

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
