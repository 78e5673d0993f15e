import { worstOf } from '@solstice/common/flow';
import { environmentNameOf } from '@solstice/common/rpc';
import type { Claim } from '@solstice/common/store';

type NodeState = Claim['needs'][string]['result'];

/**
 * What the job needs, as its steps see it: `NEEDS_<ID>_RESULT` and, for each output (of a gate: each input), `NEEDS_<ID>_<OUTPUT>`;
 * by the ids of the nodes, and by those of matrices and branches. Of two that
 * would be the same variable neither is set, and a note says so.
 */
export function needsEnvironment(needs: Claim['needs']): { environment: Record<string, string>; notes: string[] } {
  const meant = new Map<string, { what: string; value: string }[]>();
  const add = (name: string, what: string, value: string) => {
    const all = meant.get(name) ?? [];
    meant.set(name, [...all, { what, value }]);
  };
  for (const [id, { result, outputs }] of Object.entries(needs)) {
    const prefix = `NEEDS_${environmentNameOf(id)}_`;
    add(`${prefix}RESULT`, `the result of ${id}`, result);
    for (const [name, value] of Object.entries(outputs)) {
      add(`${prefix}${environmentNameOf(name)}`, `output ${name} of ${id}`, value);
    }
  }
  for (const [group, cells] of matricesOf(needs)) {
    add(`NEEDS_${environmentNameOf(group)}_RESULT`, `the result of ${group}`, worstOf(cells) ?? 'succeeded');
  }
  const environment: Record<string, string> = {};
  const notes: string[] = [];
  for (const [name, all] of meant) {
    const [first] = all;
    if (first !== undefined && all.length === 1) environment[name] = first.value;
    else notes.push(`${name} is not set: it would be ${all.map(({ what }) => what).join(', and ')}`);
  }
  return { environment, notes };
}

/**
 * The cells that are needed of each matrix that the claim has no word for, as those of runs that were frozen before there
 * was one: their ids begin with the job's own and a dot, which no job's own id has.
 */
function matricesOf(needs: Claim['needs']): Map<string, NodeState[]> {
  const matrices = new Map<string, NodeState[]>();
  for (const [id, { result }] of Object.entries(needs)) {
    const group = id.split('.', 1)[0] ?? id;
    if (group !== id && !Object.hasOwn(needs, group)) matrices.set(group, [...(matrices.get(group) ?? []), result]);
  }
  return matrices;
}
