import { nearestName } from '../errors/index.js';
import { quote, type Text } from '../kdl/index.js';
import { type BranchTree, branchTree } from './branch-tree.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import type { OpenText } from './open-texts.js';
import type { Need } from './read-node.js';
import type { Input, Job, Matrix, Placed } from './workflow.js';

/** A node as it is written, and where the names in it stand. */
export interface NodeInGraph extends Placed {
  what: 'job' | 'wait' | 'branch' | 'gate';
  id: string;
  idText: Text;
  /** Its own, and before them those of its template. */
  needs: { template: Need[]; own: Need[] };
  /** Its texts with expressions, and its conditions. */
  open: OpenText[];
  matrix?: Matrix;
  job?: Job;
  /** Of a gate. */
  inputs?: Input[];
  /** Of a gate: what it says, once for each cell. */
  textLength?: number;
}

/** Ids once, needs that exist and can be met, no circles. `others`: ids of nodes that aren't built yet, which may be needed too. */
export function checkNeeds(nodes: readonly NodeInGraph[], others: ReadonlySet<string>, sink: WorkflowSink): void {
  const byId = new Map<string, NodeInGraph>();
  for (const one of nodes) {
    const { id } = one;
    const earlier = byId.get(id);
    if (earlier === undefined) {
      byId.set(id, one);
    } else {
      const { line } = earlier.idText.value.span;
      sink.error(
        one.idText.value.span,
        'duplicate-id',
        `there is a ${earlier.what} ${quote(id)} already`,
        `It stands in line ${line}; give this one another id.`,
      );
    }
  }
  const tree = branchTree([...byId.values()]);
  const ids = [...byId.keys(), ...others];
  for (const one of byId.values()) {
    const seen = new Set<string>();
    for (const { text: need } of one.needs.own) {
      if (seen.has(need.text)) {
        sink.error(need.value.span, 'duplicate-need', `${quote(need.text)} is needed twice`, 'Once is enough.');
      }
      seen.add(need.text);
    }
    for (const need of needsOf(one)) {
      const needed = byId.get(need.text);
      if (needed !== undefined) checkPlaces(one, needed, need, tree, sink);
      else if (!others.has(need.text)) reportUnknownNeed(one, need, ids, sink);
    }
  }
  reportCircles(byId, tree, sink);
}

/** A need that is met of itself, or never. */
function checkPlaces(one: NodeInGraph, needed: NodeInGraph, need: Text, tree: BranchTree, sink: WorkflowSink): void {
  const { span } = need.value;
  const [name, other] = [`${one.what} ${quote(one.id)}`, `${needed.what} ${quote(needed.id)}`];
  const path = tree.pathOf(one);
  if (path.some(({ id }) => id === needed.id)) {
    const message = `${name} stands in ${other}, and waits for its decision anyway`;
    sink.error(span, 'needs-own-branch', message, 'Take this need out.');
    return;
  }
  const across = path.find(({ id, side }) => tree.pathOf(needed).some((its) => its.id === id && its.side !== side));
  if (across !== undefined) {
    const message = `${name} and ${other} stand on two sides of branch ${quote(across.id)}, and only one of them runs`;
    sink.error(span, 'needs-across-sides', message, 'Take this need out, or put both on one side.');
    return;
  }
  if (needed.onFailure === true && one.onFailure !== true) {
    const message = `${other} stands in on_failure, which begins when all else has ended`;
    const hint = `Put ${name} into on_failure too, or take this need out.`;
    sink.error(span, 'needs-on-failure', message, hint);
  }
}

/** Each once. What the job says of a node comes in place of what its template says. */
export function needsOf({ needs }: NodeInGraph): Text[] {
  return [...new Map([...needs.template, ...needs.own].map(({ text }) => [text.text, text])).values()];
}

function reportUnknownNeed(one: NodeInGraph, need: Text, ids: string[], sink: WorkflowSink): void {
  const nearest = sink.isFull ? undefined : nearestName(need.text, ids);
  const known = ids.filter((id) => id !== one.id).slice(0, 10);
  sink.error(
    need.value.span,
    'unknown-need',
    `${one.what} ${quote(one.id)} needs ${quote(need.text)}, and there is no such job`,
    nearest !== undefined
      ? `Did you mean "${nearest}"?`
      : known.length === 0
        ? 'It is the only job.'
        : `There are: ${known.join(', ')}.`,
  );
}

function reportCircles(byId: ReadonlyMap<string, NodeInGraph>, tree: BranchTree, sink: WorkflowSink): void {
  const told = new Set<Text>();
  for (const circle of circles(byId, tree)) {
    const ring = [...circle, ...circle.slice(0, 1)];
    // Where somebody wrote one of its needs: that a node waits for its branch, and a branch is all in it, nobody wrote.
    const [from, need] =
      circle
        .map((id, index): [NodeInGraph | undefined, Text | undefined] => {
          const node = byId.get(id);
          const next = nameOf(ring[index + 1] ?? '');
          return [node, node === undefined ? undefined : needsOf(node).find(({ text }) => text === next)];
        })
        .find(([, found]) => found !== undefined) ?? [];
    // A branch makes several circles of one need.
    if (from === undefined || need === undefined || told.has(need)) continue;
    told.add(need);
    const shown = ring.map(nameOf).filter((id, index, all) => id !== all[index - 1]);
    const path = shown.length > 12 ? [...shown.slice(0, 6), '…', ...shown.slice(-5)] : shown;
    sink.error(
      need.value.span,
      'needs-cycle',
      circle.length === 1
        ? `${from.what} ${quote(from.id)} needs itself`
        : `these jobs wait for each other: ${path.join(' -> ')}`,
      'Take one of these needs out.',
    );
  }
}

/** A branch with all that stands in it, beside its id, which is its decision. No id has a `*`. */
const whole = (branch: string): string => `${branch}*`;
const nameOf = (vertex: string): string => vertex.replace('*', '');

/** What has to end before a node begins; of a branch as a whole: what has to end before it has. */
function comesBefore(vertex: string, byId: ReadonlyMap<string, NodeInGraph>, tree: BranchTree): string[] {
  if (vertex.endsWith('*')) {
    const members = tree.membersOf(nameOf(vertex));
    return [nameOf(vertex), ...members.map(({ id, what }) => (what === 'branch' ? whole(id) : id))];
  }
  const node = byId.get(vertex);
  if (node === undefined) return [];
  const around = new Set(tree.pathOf(node).map(({ id }) => id));
  const needs = needsOf(node).flatMap(({ text }) => {
    if (around.has(text) || !byId.has(text)) return [];
    return byId.get(text)?.what === 'branch' ? [whole(text)] : [text];
  });
  return [...needs, ...(node.branch === undefined ? [] : [node.branch.id])];
}

/** Gives, of a node, all ids of nodes that have surely ended when it begins. */
export function upstreamIn(nodes: readonly NodeInGraph[]): (node: NodeInGraph) => Set<string> {
  // Of two with one id, which was told, the first is meant.
  const byId = new Map([...nodes].reverse().map((node) => [node.id, node]));
  const tree = branchTree(nodes);
  const known = new Map<string, string[]>();
  const before = (vertex: string): string[] => {
    const found = known.get(vertex) ?? comesBefore(vertex, byId, tree);
    known.set(vertex, found);
    return found;
  };
  return (node) => {
    const found = new Set<string>();
    const open = [...before(node.id)];
    for (let vertex = open.pop(); vertex !== undefined; vertex = open.pop()) {
      if (found.has(vertex)) continue;
      found.add(vertex);
      open.push(...before(vertex));
    }
    return found;
  };
}

/** One circle for each knot of jobs that wait for each other, beginning with the job that stands first in the file. */
function circles(byId: ReadonlyMap<string, NodeInGraph>, tree: BranchTree): string[][] {
  const found: string[][] = [];
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (id: string): void => {
    if (state.get(id) === 'done') return;
    if (state.get(id) === 'open') {
      found.push(path.slice(path.indexOf(id)));
      return;
    }
    state.set(id, 'open');
    path.push(id);
    for (const before of comesBefore(id, byId, tree)) visit(before);
    path.pop();
    state.set(id, 'done');
  };
  for (const id of byId.keys()) visit(id);
  return found;
}
