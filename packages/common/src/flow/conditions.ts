import { Conditions } from '../expressions/index.js';
import { describeCause } from './describe-cause.js';
import { graphOf, matrixOf } from './graph.js';
import type { NodeFlow, RunFlow } from './messages.js';
import { nodeOf } from './node-table.js';
import type { GateSpec, RunSpec } from './spec.js';

/** What a node needs, as the file says it: a job, or a word for several nodes. */
interface WrittenNeed {
  id: string;
  nodes: readonly string[];
}

export interface NeededResult {
  result: NodeFlow['state'];
  reason: string;
  outputs: Record<string, string>;
}

type Find = (nodeId: string) => NodeFlow | undefined;

// Only memos: a specification is frozen. Each is made with the first condition that asks for it.
const judges = new WeakMap<RunSpec, Conditions>();
const writtenNeeds = new WeakMap<RunSpec, Map<string, readonly WrittenNeed[]>>();
const gates = new WeakMap<RunSpec, readonly { id: string; gates: readonly GateSpec[] }[]>();

/** Judges a condition as it was written. Never throws. */
export function judgeCondition(
  spec: RunSpec,
  text: string,
  context: Readonly<Record<string, unknown>>,
): { holds: boolean } | { problem: string } {
  return judgeOf(spec).judge(text, context);
}

/** What an expression of a late text gives. Never throws. */
export function evaluateIn(
  spec: RunSpec,
  expression: string,
  context: Readonly<Record<string, unknown>>,
): { text: string } | { problem: string } {
  return judgeOf(spec).textOf(expression, context);
}

function judgeOf(spec: RunSpec): Conditions {
  let judge = judges.get(spec);
  if (judge === undefined) {
    judge = new Conditions(spec.changed ?? {});
    judges.set(spec, judge);
  }
  return judge;
}

/**
 * What conditions of a node, and of its steps, may read, as plain JSON: the run's values, `matrix` of its cell, `needs` by
 * the ids of the file, `gates` that have been decided, `runs_on`. `error` of `catch` and `finally` is known to the runner only.
 */
export function conditionContextOf(
  run: Pick<RunFlow, 'runId' | 'spec' | 'nodes'>,
  nodeId: string,
): Record<string, unknown> {
  return contextIn(run.spec, nodeId, (id) => nodeOf(run, id));
}

/** How what a node needs has ended, by the ids of the file. `reason` is empty where there is none. */
export function needResultsOf(
  run: Pick<RunFlow, 'runId' | 'spec' | 'nodes'>,
  nodeId: string,
): Record<string, NeededResult> {
  return needResults(run.spec, nodeId, (id) => nodeOf(run, id));
}

/** The same as `conditionContextOf` for a run in the middle of a decision. */
export function contextIn(spec: RunSpec, nodeId: string, find: Find): Record<string, unknown> {
  const node = graphOf(spec).spec(nodeId);
  const cell = matrixOf(node)?.cell;
  const decided = decidedGates(spec, find);
  return {
    ...spec.values,
    ...(cell !== undefined && { matrix: cell }),
    needs: needResults(spec, nodeId, find),
    ...(decided.length > 0 && { gates: Object.fromEntries(decided) }),
    ...(node?.kind === 'job' && { runs_on: node.runsOn }),
  };
}

function needResults(spec: RunSpec, nodeId: string, find: Find): Record<string, NeededResult> {
  return Object.fromEntries(needsOf(spec, nodeId).map(({ id, nodes }) => [id, resultOf(nodes.flatMap(found(find)))]));
}

function found(find: Find): (nodeId: string) => NodeFlow[] {
  return (nodeId) => {
    const node = find(nodeId);
    return node === undefined ? [] : [node];
  };
}

/** Every node that it needs, and every word for several of which it needs all. */
function needsOf(spec: RunSpec, nodeId: string): readonly WrittenNeed[] {
  const known = writtenNeeds.get(spec) ?? new Map<string, readonly WrittenNeed[]>();
  writtenNeeds.set(spec, known);
  let needs = known.get(nodeId);
  if (needs === undefined) {
    const ids = new Set(graphOf(spec).needs(nodeId));
    const bundles = Object.entries(spec.bundles ?? {}).filter(
      ([, nodes]) => nodes.length > 0 && nodes.every((id) => ids.has(id)),
    );
    const all = new Map<string, readonly string[]>([...ids].map((id) => [id, [id]]));
    // A branch is called as the node that decides it: whoever needs all of it means all of it.
    for (const [id, nodes] of bundles) all.set(id, nodes);
    needs = [...all].map(([id, nodes]) => ({ id, nodes }));
    known.set(nodeId, needs);
  }
  return needs;
}

const worstFirst: readonly NodeFlow['state'][] = ['failed', 'timed_out', 'cancelled', 'succeeded', 'skipped'];

/** How several nodes ended that the file has one word for. Undefined: none of them has. */
export function worstOf(states: readonly NodeFlow['state'][]): NodeFlow['state'] | undefined {
  return worstFirst.find((state) => states.includes(state));
}

/** Of several the worst; of their outputs those on which they agree. */
function resultOf(nodes: readonly NodeFlow[]): NeededResult {
  const result = worstOf(nodes.map(({ state }) => state)) ?? 'waiting';
  const cause = nodes.find((node) => node.state === result && node.cause !== undefined)?.cause;
  return { result, reason: cause === undefined ? '' : describeCause(cause), outputs: agreed(nodes) };
}

function agreed(nodes: readonly NodeFlow[]): Record<string, string> {
  const said = new Map<string, Set<string>>();
  for (const { outputs } of nodes) {
    for (const [name, value] of Object.entries(outputs ?? {})) said.set(name, (said.get(name) ?? new Set()).add(value));
  }
  return Object.fromEntries(
    [...said].flatMap(([name, [value, ...others]]) =>
      value === undefined || others.length > 0 ? [] : [[name, value]],
    ),
  );
}

/** What was said to the gates that have succeeded, as their inputs are typed; of a gate in a matrix what all cells agree on. */
function decidedGates(spec: RunSpec, find: Find): [string, Record<string, unknown>][] {
  return gatesOf(spec).flatMap(({ id, gates: all }): [string, Record<string, unknown>][] => {
    const nodes = all.flatMap((gate) => found(find)(gate.id));
    if (nodes.some(({ state }) => state !== 'succeeded')) return [];
    const said = agreed(nodes);
    const inputs = all[0]?.inputs ?? [];
    return [
      [
        id,
        Object.fromEntries(
          inputs.flatMap(({ name, type }) =>
            Object.hasOwn(said, name) ? [[name, typed(said[name] ?? '', type)]] : [],
          ),
        ),
      ],
    ];
  });
}

/** Each by itself, and those of one matrix together: by the id of the file, whether anybody needs it by that or not. */
function gatesOf(spec: RunSpec): readonly { id: string; gates: readonly GateSpec[] }[] {
  let known = gates.get(spec);
  if (known === undefined) {
    const all = spec.nodes.filter((node) => node.kind === 'gate');
    const groups = new Map<string, GateSpec[]>();
    for (const gate of all) {
      const group = matrixOf(gate)?.group;
      if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), gate]);
    }
    known = [
      ...all.map((gate) => ({ id: gate.id, gates: [gate] })),
      ...[...groups].map(([id, some]) => ({ id, gates: some })),
    ];
    gates.set(spec, known);
  }
  return known;
}

function typed(text: string, type: GateSpec['inputs'][number]['type']): string | number | boolean {
  return type === 'int' ? Number(text) : type === 'bool' ? text === 'true' : text;
}
