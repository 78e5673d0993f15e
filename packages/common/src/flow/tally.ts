import { graphOf, groupOf } from './graph.js';
import type { GroupFlow, NodeFlow, RunFlow } from './messages.js';
import { tableOf } from './node-table.js';
import type { RunSpec } from './spec.js';
import { isTerminal } from './states.js';

type Tally = Pick<RunFlow, 'nodes' | 'openNodes' | 'succeeded' | 'broken' | 'groups'>;

/** It failed, and that counts. */
export function isBroken(node: { state: NodeFlow['state']; tolerated?: true | undefined }): boolean {
  return (node.state === 'failed' || node.state === 'timed_out') && node.tolerated === undefined;
}

/** What a run has of its nodes, counted anew: folding its events keeps the same numbers one by one. */
export function tallyOf(spec: RunSpec, nodes: readonly NodeFlow[]): Tally {
  const broken = nodes.filter(isBroken);
  return {
    nodes: tableOf(nodes),
    openNodes: nodes.filter(({ state }) => !isTerminal(state)).length,
    succeeded: nodes.filter(({ state }) => state === 'succeeded').length,
    broken: broken.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0)).map(({ id }) => id),
    groups: groupsOf(spec, nodes),
  };
}

function groupsOf(spec: RunSpec, nodes: readonly NodeFlow[]): Record<string, GroupFlow> {
  const byId = new Map(nodes.map((node) => [node.id, node.state]));
  const names = Object.keys(spec.groups ?? {}).filter((name) => {
    const [first] = graphOf(spec).cells(name);
    return first !== undefined && groupOf(spec, first)?.rules.maxParallel !== undefined;
  });
  return Object.fromEntries(
    names.map((name): [string, GroupFlow] => {
      const states = graphOf(spec)
        .cells(name)
        .map((id) => byId.get(id));
      const next = states.indexOf('waiting');
      const active = states.filter((state) => state === 'ready' || state === 'running').length;
      return [name, { active, next: next < 0 ? states.length : next }];
    }),
  );
}
