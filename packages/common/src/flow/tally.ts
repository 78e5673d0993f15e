import { branchesOf } from './branches.js';
import { graphOf, groupOf } from './graph.js';
import type { GroupFlow, NodeFlow, RunFlow } from './messages.js';
import { tableOf } from './node-table.js';
import type { RunSpec } from './spec.js';
import { isTerminal } from './states.js';

type Tally = Pick<
  RunFlow,
  'nodes' | 'openNodes' | 'openMain' | 'succeeded' | 'broken' | 'groups' | 'branches' | 'lateLength'
>;

/** It failed, and that counts. */
export function isBroken(node: { state: NodeFlow['state']; tolerated?: true | undefined }): boolean {
  return (node.state === 'failed' || node.state === 'timed_out') && node.tolerated === undefined;
}

/** What a run has of its nodes, counted anew: folding its events keeps the same numbers one by one. */
export function tallyOf(spec: RunSpec, nodes: readonly NodeFlow[]): Tally {
  const isMain = ({ id }: NodeFlow): boolean => graphOf(spec).spec(id)?.onFailure !== true;
  const broken = nodes.filter((node) => isBroken(node) && isMain(node));
  const open = nodes.filter(({ state }) => !isTerminal(state));
  return {
    nodes: tableOf(nodes),
    openNodes: open.length,
    openMain: open.filter(isMain).length,
    succeeded: nodes.filter(({ state }) => state === 'succeeded').length,
    broken: broken.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0)).map(({ id }) => id),
    groups: groupsOf(spec, nodes),
    branches: limitedBranches(spec, open),
    lateLength: nodes.reduce((sum, { texts }) => sum + lengthOf(texts), 0),
  };
}

export function lengthOf(texts: readonly string[] = []): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

function limitedBranches(spec: RunSpec, open: readonly NodeFlow[]): Record<string, number> {
  const { limited, limiting } = branchesOf(spec);
  const left = new Map(limited.map(({ id }) => [id, 0]));
  for (const node of limited.length === 0 ? [] : open.filter((one) => !isAskedToEnd(one))) {
    for (const { id } of limiting(node.id)) {
      left.set(id, (left.get(id) ?? 0) + 1);
    }
  }
  return Object.fromEntries(left);
}

/** A host has it, and was asked to end it: nothing more can be done about it, and no attempt follows. */
export function isAskedToEnd(node: NodeFlow): boolean {
  return node.attempts.at(-1)?.cancelRequested !== undefined;
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
