import { describeCause } from './describe-cause.js';
import { type EnclosingLimit, enclosingLimits, workflowEnd } from './enclosing.js';
import { approversText, authorOf, standingOf } from './gate-standing.js';
import { graphOf, groupOf } from './graph.js';
import { groupText } from './group-text.js';
import type { AttemptView, NodeFlow, RunFlow } from './messages.js';
import { nodeOf } from './node-table.js';
import type { GateSpec } from './spec.js';
import { isTerminal } from './states.js';
import { deadlineOf, timersOfNode } from './timers.js';

/**
 * What a node that has not ended waits for, and until when, in words that stay true while nothing happens (instants, not
 * durations). Undefined: it has ended, or there is no such node.
 *
 * `hostsSay`: what the hosts answered when they last looked at its queued attempt, if they did.
 */
export function waitingFor(run: RunFlow, nodeId: string, hostsSay?: string): string | undefined {
  const node = nodeOf(run, nodeId);
  if (node === undefined || isTerminal(node.state)) {
    return undefined;
  }
  if (node.state === 'waiting') {
    return needsText(run, nodeId);
  }
  const attempt = node.attempts.at(-1);
  if (attempt === undefined) {
    const spec = graphOf(run.spec).spec(nodeId);
    return spec?.kind === 'gate' ? gateText(run, node, spec) : waitText(run, node);
  }
  if (attempt.cancelRequested !== undefined) {
    const host = attempt.hostId ?? 'a host';
    return attempt.state === 'claimed'
      ? `is being cancelled: ${host} takes its worker away`
      : `is being cancelled: its steps on ${host} are asked to end`;
  }
  switch (attempt.state) {
    case 'queued':
      return queuedText(run, node, attempt, hostsSay);
    case 'claimed':
      return `${attempt.hostId ?? 'a host'} makes a worker for it since ${instant(attempt.claimedAt ?? attempt.queuedAt)}${untilText(run, nodeId)}`;
    default:
      return runningText(run, node, attempt);
  }
}

function needsText(run: RunFlow, nodeId: string): string {
  const open = graphOf(run.spec)
    .needs(nodeId)
    .filter((need) => !isTerminal(nodeOf(run, need)?.state ?? 'waiting'));
  if (open.length > 0) {
    return `needs ${open.join(', ')}${untilText(run, nodeId)}`;
  }
  if (run.held === true) {
    return `its run's turn in ${groupText(run.spec)}`;
  }
  if (graphOf(run.spec).spec(nodeId)?.onFailure === true && run.openMain > 0) {
    const end = run.cancelRequested === undefined ? workflowEnd(run) : undefined;
    const until = end === undefined ? '' : `, until ${instant(end)} at the latest (workflow)`;
    return `all else has to end first${until}: it begins if something fails`;
  }
  const group = groupOf(run.spec, nodeId);
  const turn = `its turn: max_parallel is ${group?.rules.maxParallel ?? 0} in matrix ${group?.name ?? ''}`;
  return `${turn}${untilText(run, nodeId)}`;
}

/** By when it has to have ended: the first of its own times, and of those of what it stands in. Nothing where there is none. */
function untilText(run: RunFlow, nodeId: string, own: readonly EnclosingLimit[] = []): string {
  const [first] = [...own, ...enclosingLimits(run, nodeId, (id) => nodeOf(run, id))].sort((a, b) => a.at - b.at);
  return first === undefined ? '' : `, until ${instant(first.at)} at the latest (${first.name})`;
}

function waitText(run: RunFlow, node: NodeFlow): string {
  const timers = timersOfNode(run, node.id);
  const end = timers.find(({ kind }) => kind === 'wait')?.fireAtMs ?? 0;
  const own = timers.find(({ kind }) => kind === 'deadline')?.fireAtMs;
  const [limit] = [
    ...(own === undefined ? [] : [{ name: 'its deadline', at: own }]),
    ...enclosingLimits(run, node.id, (id) => nodeOf(run, id)).map(({ name, at }) => ({
      name: `the deadline of ${name}`,
      at,
    })),
  ].sort((a, b) => a.at - b.at);
  return limit !== undefined && limit.at < end
    ? `waits until ${instant(end)}, and no longer than ${limit.name} at ${instant(limit.at)}`
    : `waits until ${instant(end)}`;
}

/** `waits for 1 of 2 approvals by team:release or user:ada, until … (then it is rejected); approved by ada` */
function gateText(run: RunFlow, node: NodeFlow, spec: GateSpec): string {
  const { approvals, missing } = standingOf(node, spec);
  const then = `then it is ${spec.timeoutThen === 'approve' ? 'approved' : 'rejected'}`;
  const [limit] = [
    ...timersOfNode(run, node.id).map(({ kind, fireAtMs }) => ({ name: kind === 'gate' ? then : kind, at: fireAtMs })),
    ...enclosingLimits(run, node.id, (id) => nodeOf(run, id)).map(({ name, at }) => ({
      name: `deadline of ${name}`,
      at,
    })),
  ].sort((a, b) => a.at - b.at);
  const until = limit === undefined ? '' : `, until ${instant(limit.at)} (${limit.name})`;
  const so = approvals.length === 0 ? '' : `; approved by ${approvals.map(({ by }) => by).join(', ')}`;
  const count = spec.count === 1 ? 'an approval' : `${missing} of ${spec.count} approvals`;
  return `waits for ${count} by ${approversText(spec, authorOf(run))}${until}${so}`;
}

function runningText(run: RunFlow, node: NodeFlow, attempt: AttemptView): string {
  const spec = graphOf(run.spec).job(node.id);
  const startedAt = attempt.startedAt ?? attempt.queuedAt;
  const until = untilText(run, node.id, [
    ...(spec?.timeoutMs === undefined ? [] : [{ name: 'timeout', at: startedAt + spec.timeoutMs }]),
    ...[deadlineOf(node, spec)].filter((at) => at !== undefined).map((at) => ({ name: 'deadline', at })),
  ]);
  return `its steps run on ${attempt.hostId ?? 'a host'} since ${instant(startedAt)}${until}`;
}

function queuedText(run: RunFlow, node: NodeFlow, attempt: AttemptView, hostsSay: string | undefined): string {
  const previous = attempt.number > 1 ? node.attempts[attempt.number - 2] : undefined;
  const why = previous?.cause === undefined ? '' : ` (${describeCause(previous.cause)})`;
  const retry =
    previous === undefined ? '' : `attempt ${attempt.number}${why}, not before ${instant(attempt.notBefore)}; `;
  const hosts = hostsSay === undefined ? '' : `: ${hostsSay}`;
  const until = untilText(
    run,
    node.id,
    timersOfNode(run, node.id)
      .filter(({ kind }) => kind === 'queue' || kind === 'deadline')
      .map(({ kind, fireAtMs }) => ({ name: kind, at: fireAtMs })),
  );
  return `${retry}queued for pool ${attempt.pool} since ${instant(attempt.queuedAt)}${until}${hosts}`;
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}
