import { describeCause } from './describe-cause.js';
import { graphOf } from './graph.js';
import type { AttemptView, RunFlow } from './messages.js';
import { isTerminal } from './states.js';

/**
 * Why a node has not started, in words that stay true while nothing happens (instants, not durations). Undefined: it
 * runs, or has ended, or there is no such node.
 *
 * `hostsSay`: what the hosts answered when they last looked at its queued attempt, if they did.
 */
export function waitingFor(run: RunFlow, nodeId: string, hostsSay?: string): string | undefined {
  const node = Object.hasOwn(run.nodes, nodeId) ? run.nodes[nodeId] : undefined;
  if (node?.state === 'waiting') {
    const open = graphOf(run.spec)
      .needs(nodeId)
      .filter((need) => !isTerminal(run.nodes[need]?.state ?? 'waiting'));
    return `needs ${open.join(', ')}`;
  }
  if (node?.state !== 'ready') {
    return undefined;
  }
  const last = node.attemptIds.at(-1);
  const attempt = last === undefined ? undefined : run.attempts[last];
  if (attempt?.state === 'claimed') {
    return claimedText(attempt);
  }
  return attempt?.state === 'queued' ? queuedText(run, attempt, hostsSay) : undefined;
}

function claimedText(attempt: AttemptView): string {
  const host = attempt.hostId ?? 'a host';
  return attempt.cancelRequested === undefined
    ? `${host} makes a worker for it since ${instant(attempt.claimedAt ?? attempt.queuedAt)}`
    : `is being cancelled: ${host} takes its worker away`;
}

function queuedText(run: RunFlow, attempt: AttemptView, hostsSay: string | undefined): string {
  const previousId = attempt.number > 1 ? run.nodes[attempt.nodeId]?.attemptIds[attempt.number - 2] : undefined;
  const previous = previousId === undefined ? undefined : run.attempts[previousId];
  const why = previous?.cause === undefined ? '' : ` (${describeCause(previous.cause)})`;
  const retry =
    previous === undefined ? '' : `attempt ${attempt.number}${why}, not before ${instant(attempt.notBefore)}; `;
  const hosts = hostsSay === undefined ? '' : `: ${hostsSay}`;
  return `${retry}queued for pool ${attempt.pool} since ${instant(attempt.queuedAt)}${hosts}`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
