import type { GateSpec, GroupSpec, JobSpec, NodeSpec, RunSpec } from './spec.js';

export interface Graph {
  spec(nodeId: string): NodeSpec | undefined;
  /** Undefined for what is no job. */
  job(nodeId: string): JobSpec | undefined;
  /** The nodes that need this one, in the order of the file. */
  dependents(nodeId: string): readonly string[];
  needs(nodeId: string): readonly string[];
  /** Its place in the specification. */
  position(nodeId: string): number | undefined;
  /** The cells of a matrix, in the order of the file. */
  cells(group: string): readonly string[];
  /** In the order of the file. */
  gates: readonly GateSpec[];
}

// Only a memo: a specification is frozen, so what was computed of it stays true.
const graphs = new WeakMap<RunSpec, Graph>();

export function graphOf(spec: RunSpec): Graph {
  const known = graphs.get(spec);
  if (known !== undefined) {
    return known;
  }
  const specs = new Map<string, NodeSpec>();
  const needs = new Map<string, string[]>();
  const dependents = new Map<string, string[]>();
  const positions = new Map(spec.nodes.map((node, index) => [node.id, index]));
  const cells = new Map<string, string[]>();
  for (const node of spec.nodes) {
    const group = matrixOf(node)?.group;
    if (group !== undefined) {
      const list = cells.get(group);
      if (list === undefined) {
        cells.set(group, [node.id]);
      } else {
        list.push(node.id);
      }
    }
    specs.set(node.id, node);
    needs.set(node.id, [...new Set(node.needs)]);
    for (const need of new Set(node.needs)) {
      const list = dependents.get(need);
      if (list === undefined) {
        dependents.set(need, [node.id]);
      } else {
        list.push(node.id);
      }
    }
  }
  const graph: Graph = {
    spec: (nodeId) => specs.get(nodeId),
    job: (nodeId) => {
      const found = specs.get(nodeId);
      return found?.kind === 'job' ? found : undefined;
    },
    dependents: (nodeId) => dependents.get(nodeId) ?? [],
    needs: (nodeId) => needs.get(nodeId) ?? [],
    position: (nodeId) => positions.get(nodeId),
    cells: (group) => cells.get(group) ?? [],
    gates: spec.nodes.filter((node) => node.kind === 'gate'),
  };
  graphs.set(spec, graph);
  return graph;
}

/** Which cell it is, where there is one of it for each cell of a matrix. */
export function matrixOf(node: NodeSpec | undefined): JobSpec['matrix'] {
  return node === undefined || node.kind === 'branch' ? undefined : node.matrix;
}

/** The rules of the matrix that a node is a cell of. */
export function groupOf(spec: RunSpec, nodeId: string): { name: string; rules: GroupSpec } | undefined {
  const name = matrixOf(graphOf(spec).spec(nodeId))?.group;
  const rules = name !== undefined && Object.hasOwn(spec.groups ?? {}, name) ? spec.groups?.[name] : undefined;
  return name === undefined || rules === undefined ? undefined : { name, rules };
}
