import { describeCause, isTerminal, type NodeSpec } from '@solstice/common/flow';
import type { CheckRecord, HostRecord, NodeRecord, RunDetail } from '@solstice/common/store';
import { decideCommands, decisionsText, gateView, openGates } from '../gates/gate-view.js';
import type { Why } from '../schemas.js';
import { describeState } from './describe.js';
import { runName } from './node-facts.js';
import { runSummaryView } from './run-view.js';
import { type Turn, turnText } from './turn.js';

/** Why a run is where it is: what each job waits for or ended by, what a host refused, which report is still owed. */
export function explain(
  run: RunDetail,
  hosts: readonly HostRecord[],
  checks: readonly CheckRecord[],
  publicUrl: string,
  turn?: Turn,
): Why {
  const reasons = run.nodes.flatMap((node) => explainNode(node, run, hosts));
  if (turn !== undefined) reasons.unshift({ subject: 'run', state: run.state, text: `waits for ${turnText(turn)}` });
  if (run.cancelRequested && !isTerminal(run.state)) {
    const { by, reason } = run.cancelRequested;
    reasons.unshift({
      subject: 'run',
      state: run.state,
      text: `a cancel was asked for by ${by}${reason === undefined ? '' : `: ${reason}`}; it ends when its workers have stopped`,
    });
  }
  for (const check of checks) {
    if (check.sentVersion >= check.desiredVersion) continue;
    const error = check.lastError === undefined ? '' : `; the last try failed: ${check.lastError}`;
    reasons.push({
      subject: `check ${check.context}`,
      state: 'pending',
      text: `the forge has not been told yet (${check.tries} tries${error})`,
    });
  }
  return { run: runSummaryView(run, publicUrl), summary: summarise(run), reasons };
}

function summarise(run: RunDetail): string {
  const state = describeState(run.state);
  if (run.cause) return `run ${run.number} ${state}: ${describeCause(run.cause)}`;
  if (isTerminal(run.state)) return `run ${run.number} ${state}`;
  const jobs = run.nodes.filter((node) => kindOf(run, node.id) === 'job');
  const waiting = jobs.filter((node) => node.state === 'waiting' || node.state === 'ready').length;
  const running = jobs.filter((node) => node.state === 'running').length;
  const open = openGates(run).length;
  if (run.held) return `run ${run.number} is ${state}, and has not begun: others of its concurrency group come first`;
  const gates = open === 0 ? '' : `, ${open} ${open === 1 ? 'gate' : 'gates'} to be decided`;
  return `run ${run.number} is ${state}: ${running} of its ${jobs.length} jobs running, ${waiting} waiting${gates}`;
}

function kindOf(run: RunDetail, nodeId: string): NodeSpec['kind'] {
  return run.spec.nodes.find((spec) => spec.id === nodeId)?.kind ?? 'job';
}

function explainNode(node: NodeRecord, run: RunDetail, hosts: readonly HostRecord[]): Why['reasons'] {
  const spec = run.spec.nodes.find((each) => each.id === node.id);
  const subject = `${spec?.kind ?? 'job'} ${node.id}`;
  const state = node.state;
  const reasons: Why['reasons'] = [];
  for (const attempt of node.attempts) {
    if (attempt.state !== 'lost' && attempt.state !== 'refused') continue;
    const text = attempt.cause ? describeCause(attempt.cause) : describeState(attempt.state);
    reasons.push({ subject: `${subject}, attempt ${attempt.number}`, state: attempt.state, text });
  }
  if (isTerminal(state)) {
    const said = spec?.kind === 'gate' ? decisionsText(gateView(node, spec)) : '';
    if (node.reusedFrom) {
      const ending = node.cause === undefined ? said : describeCause(node.cause);
      const so = ending === '' ? '' : `: ${ending}`;
      reasons.push({ subject, state, text: `not done again, it ended so in ${runName(node.reusedFrom)}${so}` });
    } else if (node.cause) reasons.push({ subject, state, text: describeCause(node.cause) });
    else if (node.kind === 'branch') reasons.push({ subject, state, text: `took its side ${node.outputs?.taken}` });
    else if (said !== '') reasons.push({ subject, state, text: said });
    return reasons;
  }
  if (node.waitingFor !== undefined) {
    const attempt = node.attempts.at(-1);
    const step = attempt?.steps.find((candidate) => candidate.state === 'running');
    // The engine knows nothing of steps: which one it is in stands in the attempt's record.
    const where = step ? `in step ${step.index + 1} "${step.name}" on host ${attempt?.hostId ?? 'unknown'}; ` : '';
    const then = spec?.kind === 'gate' && state === 'running' ? `; ${decideCommands(run.number, node.id, spec)}` : '';
    reasons.push({ subject, state, text: `${where}${node.waitingFor}${then}`, ...hostsOf(node) });
  } else if (state === 'waiting') {
    const open = node.needs.filter((id) => !isTerminal(run.nodes.find((other) => other.id === id)?.state ?? 'waiting'));
    reasons.push({ subject, state, text: `waits for ${open.join(', ') || 'its turn'}` });
  } else if (state === 'ready') {
    reasons.push({ subject, state, text: waitsForHost(node, hosts), ...hostsOf(node) });
  } else {
    const attempt = node.attempts.at(-1);
    const where = attempt?.hostId === undefined ? '' : ` on host ${attempt.hostId}`;
    const step = attempt?.steps.find((candidate) => candidate.state === 'running');
    const what =
      attempt?.state === 'claimed'
        ? 'its worker is being made'
        : step
          ? `in step ${step.index + 1} "${step.name}"`
          : 'runs';
    reasons.push({ subject, state, text: `${what}${where}` });
  }
  return reasons;
}

function hostsOf(node: NodeRecord): Pick<Why['reasons'][number], 'hosts'> {
  return node.hostAnswers === undefined || node.hostAnswers.length === 0 ? {} : { hosts: node.hostAnswers };
}

/** Nobody has tried to claim it yet, so nobody has said why not: what can be seen from here. */
function waitsForHost(node: NodeRecord, hosts: readonly HostRecord[]): string {
  const pool = node.attempts.at(-1)?.pool ?? 'default';
  const alive = hosts.filter((host) => host.alive);
  if (alive.length === 0) return `no host is alive to serve pool "${pool}"`;
  const serving = alive.filter((host) => host.pools.some((offer) => offer.name === pool || offer.name === '*'));
  if (serving.length === 0) return `no host serves pool "${pool}"`;
  const open = serving.filter((host) => host.state === 'active');
  if (open.length === 0) return `every host that serves pool "${pool}" is draining or cordoned`;
  const withRoom = open.filter((host) => host.reserved.slots < host.capacity.slots);
  if (withRoom.length === 0) return `every host that serves pool "${pool}" is full`;
  return `a host that serves pool "${pool}" is about to take it`;
}
