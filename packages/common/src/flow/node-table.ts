import { parseAttemptId } from './attempt-id.js';
import { graphOf } from './graph.js';
import type { AttemptView, NodeFlow, NodeTable, RunFlow } from './messages.js';

/** Nodes in one piece of a table: a change of a run of 1,024 nodes copies two lists of 32. */
const PIECE = 32;

type Nodes = Pick<RunFlow, 'runId' | 'spec' | 'nodes'>;

/** `nodes` in the order of the specification. */
export function tableOf(nodes: readonly NodeFlow[]): NodeTable {
  const pieces: NodeFlow[][] = [];
  for (let from = 0; from < nodes.length; from += PIECE) {
    pieces.push(nodes.slice(from, from + PIECE));
  }
  return pieces;
}

/** By their places. The table that was given stays as it is. */
export function withNodes(table: NodeTable, changes: ReadonlyMap<number, NodeFlow>): NodeTable {
  if (changes.size === 0) {
    return table;
  }
  const pieces = [...table];
  const own = new Map<number, NodeFlow[]>();
  for (const [position, node] of changes) {
    const index = Math.floor(position / PIECE);
    const piece = own.get(index) ?? [...(table[index] ?? [])];
    piece[position % PIECE] = node;
    own.set(index, piece);
    pieces[index] = piece;
  }
  return pieces;
}

export function nodeAt(table: NodeTable, position: number): NodeFlow | undefined {
  return table[Math.floor(position / PIECE)]?.[position % PIECE];
}

export function nodeOf(run: Nodes, nodeId: string): NodeFlow | undefined {
  const position = graphOf(run.spec).position(nodeId);
  return position === undefined ? undefined : nodeAt(run.nodes, position);
}

/** All of them, in the order of the specification. As dear as the run is large. */
export function nodesOf(run: Pick<RunFlow, 'nodes'>): NodeFlow[] {
  return run.nodes.flat();
}

export function attemptOf(run: Nodes, attemptId: string): AttemptView | undefined {
  const named = parseAttemptId(attemptId);
  if (named === undefined || named.runId !== run.runId) {
    return undefined;
  }
  return nodeOf(run, named.nodeId)?.attempts[named.number - 1];
}

/** All of them, as they were queued. As dear as the run is large. */
export function attemptsOf(run: Pick<RunFlow, 'nodes'>): AttemptView[] {
  return nodesOf(run)
    .flatMap((node) => node.attempts)
    .sort((a, b) => a.queuedAt - b.queuedAt);
}
