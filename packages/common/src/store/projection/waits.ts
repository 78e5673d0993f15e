import {
  enclosingLimits,
  graphOf,
  isTerminal,
  nodeOf,
  nodesOf,
  type RunFlow,
  timersOfNode,
  waitingFor,
} from '../../flow/index.js';
import type { RunWait } from '../port/index.js';

/** What a run waits for that is no host, in the order of its nodes. */
export function waitsOf(run: RunFlow): RunWait[] {
  if (isTerminal(run.state)) {
    return [];
  }
  if (run.state === 'blocked') {
    return [{ kind: 'blocked', text: 'waits until somebody with the right to do so trusts it' }];
  }
  const nodes = nodesOf(run);
  if (run.held) {
    const first = nodes.find(({ state }) => !isTerminal(state));
    return [{ kind: 'held', text: (first && waitingFor(run, first.id)) ?? 'waits for its turn' }];
  }
  return nodes.flatMap((node): RunWait[] => {
    const attempt = node.attempts.at(-1);
    const isLive = attempt !== undefined && !isTerminal(attempt.state);
    const kind = graphOf(run.spec).spec(node.id)?.kind;
    const waits =
      node.state === 'running' && !isLive && (kind === 'gate' || kind === 'wait')
        ? kind
        : attempt?.state === 'queued' && attempt.notBefore > attempt.queuedAt && attempt.due === undefined
          ? 'backoff'
          : undefined;
    if (waits === undefined) {
      return [];
    }
    const until = waitsUntil(run, node.id);
    const text = waitingFor(run, node.id) ?? '';
    return [{ kind: waits, nodeId: node.id, text, ...(until !== undefined && { until }) }];
  });
}

/**
 * When what a node waits for is over at the latest, by a timer of its own or of what it stands in. Undefined: it has ended,
 * or may wait for ever. Of what a host has, its runner keeps the other clocks.
 */
export function waitsUntil(run: RunFlow, nodeId: string): Date | undefined {
  if (isTerminal(nodeOf(run, nodeId)?.state ?? 'skipped')) {
    return undefined;
  }
  const own = timersOfNode(run, nodeId).map(({ fireAtMs }) => fireAtMs);
  const limits = enclosingLimits(run, nodeId, (id) => nodeOf(run, id)).map(({ at }) => at);
  const first = Math.min(...own, ...limits);
  return Number.isFinite(first) ? new Date(first) : undefined;
}
