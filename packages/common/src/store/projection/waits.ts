import { graphOf, isTerminal, nodesOf, type RunFlow, timersOfNode, waitingFor } from '../../flow/index.js';
import type { RunWait } from '../records.js';

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
    const timers = timersOfNode(run, node.id).map(({ fireAtMs }) => fireAtMs);
    const until = waits === 'backoff' ? attempt?.notBefore : timers.length === 0 ? undefined : Math.min(...timers);
    return [
      {
        kind: waits,
        nodeId: node.id,
        text: waitingFor(run, node.id) ?? '',
        ...(until !== undefined && { until: new Date(until) }),
      },
    ];
  });
}
