import { resolveInputs } from '../workflow/index.js';
import {
  approvedByTimeout,
  approversText,
  authorOf,
  type GateStanding,
  samePerson,
  standingOf,
  timeoutText,
} from './gate-standing.js';
import type { Command, Decision, FlowEvent, GateVerdict, NodeFlow, Refusal } from './messages.js';
import { endNode, settle } from './settle.js';
import type { GateSpec } from './spec.js';
import { isTerminal } from './states.js';
import { refusal, type Turn } from './turn.js';
import { waitingFor } from './waiting.js';

type Decide = Extract<Command, { kind: 'decide' }>;
type Inputs = Record<string, string>;

/**
 * What somebody says to a gate. The same said again changes nothing; of several by one person the last counts. Who
 * asked to cancel the run was there first.
 */
export function decideGate(turn: Turn, command: Decide): FlowEvent[] | Refusal {
  const { head, graph } = turn.draft;
  const { nodeId } = command;
  const node = turn.draft.findNode(nodeId);
  const spec = graph.spec(nodeId);
  if (node === undefined || spec?.kind !== 'gate') {
    const gates = graph.gates.map(({ id }) => id);
    const there = gates.length === 0 ? 'it has none' : `its gates: ${gates.join(', ')}`;
    return refusal(`the run has no gate ${nodeId}; ${there}`, 'none', 'invalid');
  }
  // What was said of it in the run that it was taken from was not said of this one.
  const decisions = node.reusedFrom === undefined ? (node.decisions ?? []) : [];
  const before = decisions.find(({ requestId }) => requestId === command.requestId);
  if (before !== undefined) {
    return samePerson(before.by, command.by) && before.verdict === command.verdict
      ? []
      : refusal(`request ${command.requestId} was another decision, by ${before.by}`, node.state, 'invalid');
  }
  const forbidden = whyForbidden(spec, command, authorOf(head));
  if (forbidden !== undefined) {
    return refusal(forbidden, node.state, 'forbidden');
  }
  const own = decisions.findLast(({ by }) => samePerson(by, command.by));
  if (isTerminal(node.state)) {
    const counted = node.state === 'succeeded' ? 'approve' : node.cause?.kind === 'rejected' ? 'reject' : undefined;
    const again = own?.verdict === command.verdict && own.verdict === counted && agrees(own.inputs, command.inputs);
    return again ? [] : refusal(lateText(node, spec), node.state);
  }
  if (node.state !== 'running') {
    const why = waitingFor(turn.draft.finish(), nodeId) ?? 'its turn';
    return refusal(`gate ${nodeId} is not open yet: ${why}`, node.state);
  }
  const others = decisions.filter(({ by }) => !samePerson(by, command.by));
  const inputs = inputsOf(spec, command, standingOf({ decisions: others }, spec));
  if ('refused' in inputs) {
    return inputs;
  }
  if (own !== undefined && own.verdict === command.verdict && sameInputs(own.inputs, inputs.values)) {
    return [];
  }
  const { by, verdict, reason, requestId } = command;
  const decision: Decision = {
    ...{ by, verdict, inputs: inputs.values, requestId, at: turn.now },
    ...(reason !== undefined && { reason }),
  };
  turn.emit({ kind: 'gate.decided', nodeId, decision });
  if (verdict === 'reject') {
    const cause = { kind: 'rejected' as const, by, ...(reason !== undefined && { reason }) };
    endNode(turn, nodeId, { state: 'failed', cause });
  } else {
    const now = standingOf(turn.draft.node(nodeId), spec);
    if (now.missing === 0) {
      endNode(turn, nodeId, { state: 'succeeded', outputs: now.inputs });
    }
  }
  settle(turn);
  return turn.events;
}

/** Nobody decided in time, or not enough did. */
export function expireGate(turn: Turn, nodeId: string, spec: GateSpec): void {
  const { inputs } = standingOf(turn.draft.node(nodeId), spec);
  const resolved = resolveInputs(spec.inputs, inputs);
  // Without a value for everything there is nothing that could be approved.
  if (spec.timeoutThen === 'approve' && 'values' in resolved) {
    endNode(turn, nodeId, { state: 'succeeded', outputs: asText(resolved.values) });
    return;
  }
  const cause = { kind: 'clock' as const, clock: 'gate' as const, limitMs: spec.timeoutMs ?? 0 };
  endNode(turn, nodeId, { state: 'timed_out', cause });
}

function whyForbidden(
  spec: GateSpec,
  { by, teams, nodeId }: GateVerdict,
  author: string | undefined,
): string | undefined {
  if (spec.exclude === 'author' && author !== undefined && samePerson(author, by)) {
    return `${by} caused this run, and gate ${nodeId} wants somebody else to decide`;
  }
  const may =
    spec.approvers.length === 0 ||
    spec.approvers.some((one) => samePerson(one, `user:${by}`) || teams.some((team) => one === `team:${team}`));
  return may ? undefined : `${by} may not decide gate ${nodeId}: ${approversText(spec, author)} may`;
}

/**
 * What the decision says, with all that it leaves out: as those before have agreed, else the default. A rejection says
 * nothing.
 */
function inputsOf(spec: GateSpec, command: Decide, others: GateStanding): { values: Inputs } | Refusal {
  const { nodeId, verdict, inputs } = command;
  const invalid = (problem: string): Refusal => refusal(`gate ${nodeId}: ${problem}`, 'running', 'invalid');
  if (verdict === 'reject') {
    return Object.keys(inputs).length === 0 ? { values: {} } : invalid('a rejection has no inputs');
  }
  const resolved = resolveInputs(spec.inputs, { ...others.inputs, ...inputs });
  if ('problems' in resolved) {
    return invalid(resolved.problems.join('; '));
  }
  const values = asText(resolved.values);
  const [first] = others.approvals;
  const differing = first && Object.keys(values).filter((name) => values[name] !== first.inputs[name]);
  if (first !== undefined && differing !== undefined && differing.length > 0) {
    const said = differing.map((name) => `${name}=${first.inputs[name] ?? ''}`).join(', ');
    return refusal(`gate ${nodeId}: ${first.by} approved ${said}; approve the same, or reject`, 'running');
  }
  return { values };
}

function lateText(node: NodeFlow, spec: GateSpec): string {
  const byTime = approvedByTimeout(node, spec);
  if (byTime !== undefined) {
    return `gate ${node.id} is decided: ${timeoutText(byTime)}`;
  }
  const who = node.decisions?.at(-1)?.by;
  const by = who === undefined || (node.state !== 'succeeded' && node.cause?.kind !== 'rejected') ? '' : ` by ${who}`;
  const how = node.state === 'succeeded' ? 'approved' : node.cause?.kind === 'rejected' ? 'rejected' : node.state;
  return `gate ${node.id} is decided: ${how}${by}`;
}

function asText(values: Record<string, string | number | boolean>): Inputs {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** All that was said now was said then. */
function agrees(then: Inputs, now: Inputs): boolean {
  return Object.entries(now).every(([name, text]) => then[name] === text);
}

function sameInputs(a: Inputs, b: Inputs): boolean {
  return Object.keys(a).length === Object.keys(b).length && agrees(a, b);
}
