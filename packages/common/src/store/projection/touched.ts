import { attemptOf, type FlowEvent, graphOf, type RunFlow } from '../../flow/index.js';

/** Which rows the events of one command change. `run` is the run after them. */
export interface Touched {
  nodeIds: string[];
  attemptIds: string[];
  /** Attempts that are over now: their leases go, and so does their right to write. */
  endedAttemptIds: string[];
  /** Attempts that ended without a word from their runner: their logs get a last line. */
  silencedAttemptIds: string[];
}

export function touchedBy(run: RunFlow, events: readonly FlowEvent[], commandKind: string): Touched {
  const nodeIds = new Set<string>();
  const attemptIds = new Set<string>();
  const ended = new Set<string>();
  for (const event of events) {
    if (event.kind === 'run.planned') {
      for (const node of event.spec.nodes) {
        nodeIds.add(node.id);
      }
    }
    if ('attemptId' in event) {
      attemptIds.add(event.attemptId);
      const nodeId = attemptOf(run, event.attemptId)?.nodeId;
      if (nodeId !== undefined) {
        nodeIds.add(nodeId);
      }
    }
    if ('nodeId' in event) {
      nodeIds.add(event.nodeId);
    }
    if (event.kind === 'attempt.ended') {
      ended.add(event.attemptId);
    }
    if (event.kind === 'node.ended') {
      // What they still wait for is part of their rows.
      for (const dependent of graphOf(run.spec).dependents(event.nodeId)) {
        nodeIds.add(dependent);
      }
    }
  }
  const silenced = commandKind === 'lose' || commandKind === 'refuse' ? [...ended] : [];
  return {
    nodeIds: [...nodeIds],
    attemptIds: [...attemptIds],
    endedAttemptIds: [...ended],
    silencedAttemptIds: silenced,
  };
}
