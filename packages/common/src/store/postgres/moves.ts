import { assertNever } from '../../errors/index.js';
import type { FlowEvent } from '../../flow/index.js';

export interface Move {
  id: string;
  state: string;
}

/** Which rows the events of one command move, and through which states before the last one. */
export interface Moves {
  /** Also a gate that was spoken to, and is open still. */
  nodes: ReadonlySet<string>;
  queuedAttempts: ReadonlySet<string>;
  runOnTheWay: string[];
  nodesOnTheWay: ReadonlyMap<string, string[]>;
  attemptsOnTheWay: ReadonlyMap<string, string[]>;
}

export function movesOf(events: readonly FlowEvent[]): Moves {
  const run: string[] = [];
  const nodes = new Map<string, string[]>();
  const decided = new Set<string>();
  const attempts = new Map<string, string[]>();
  const queuedAttempts = new Set<string>();
  const add = (chains: Map<string, string[]>, id: string, state: string): void => {
    chains.set(id, [...(chains.get(id) ?? []), state]);
  };
  for (const event of events) {
    switch (event.kind) {
      case 'run.planned':
      case 'run.cancel-requested':
      case 'attempt.cancel-requested':
      case 'attempt.due':
      case 'run.admitted':
        break;
      case 'gate.decided':
        decided.add(event.nodeId);
        break;
      case 'run.started':
        run.push('running');
        break;
      case 'run.ended':
        run.push(event.state);
        break;
      case 'node.readied':
        add(nodes, event.nodeId, 'ready');
        break;
      case 'node.started':
        add(nodes, event.nodeId, 'running');
        break;
      case 'node.ended':
        add(nodes, event.nodeId, event.state);
        break;
      case 'attempt.queued':
        // Its first state is that of the new row, not a move.
        queuedAttempts.add(event.attemptId);
        break;
      case 'attempt.claimed':
        add(attempts, event.attemptId, 'claimed');
        break;
      case 'attempt.started':
        add(attempts, event.attemptId, 'running');
        break;
      case 'attempt.ended':
        add(attempts, event.attemptId, event.state);
        break;
      default:
        assertNever(event);
    }
  }
  return {
    nodes: new Set([...nodes.keys(), ...decided]),
    queuedAttempts,
    runOnTheWay: run.slice(0, -1),
    nodesOnTheWay: onTheWay(nodes),
    attemptsOnTheWay: onTheWay(attempts),
  };
}

/** All but the last of each: that one is set with everything else of the row. */
function onTheWay(chains: ReadonlyMap<string, string[]>): Map<string, string[]> {
  return new Map([...chains].filter(([, chain]) => chain.length > 1).map(([id, chain]) => [id, chain.slice(0, -1)]));
}
