import type { Decision, NodeFlow, RunFlow } from './messages.js';
import type { GateSpec } from './spec.js';

/** How far a gate has come. */
export interface GateStanding {
  /** Those that count: the last of each person who approves. */
  approvals: readonly Decision[];
  /** How many more people have to approve. */
  missing: number;
  /** What those who approve have agreed on; empty before the first of them. */
  inputs: Record<string, string>;
}

/** `team:release or user:ada`, `anyone who may operate`; and who may not. */
export function approversText(spec: Pick<GateSpec, 'approvers' | 'exclude'>, author: string | undefined): string {
  const who = spec.approvers.length === 0 ? 'anyone who may operate' : spec.approvers.join(' or ');
  return spec.exclude === 'author' && author !== undefined ? `${who}, but not the author, ${author}` : who;
}

/** The author of a run, as approvers are called. */
export function authorOf(run: Pick<RunFlow, 'spec'>): string | undefined {
  const actor = run.spec.values?.actor;
  return actor === undefined || actor === '' ? undefined : String(actor);
}

/** Of each person what was said last, in the order in which that was said. */
export function thatCount<Said extends Pick<Decision, 'by'>>(decisions: readonly Said[]): Said[] {
  const last = new Map<string, Said>();
  for (const decision of decisions) {
    const person = personKey(decision.by);
    last.delete(person);
    last.set(person, decision);
  }
  return [...last.values()];
}

export function standingOf({ decisions = [] }: Pick<NodeFlow, 'decisions'>, spec: GateSpec): GateStanding {
  const approvals = thatCount(decisions).filter(({ verdict }) => verdict === 'approve');
  const missing = Math.max(0, spec.count - approvals.length);
  return { approvals, missing, inputs: approvals[0]?.inputs ?? {} };
}

/** What its timeout approved it with, before enough people had. Undefined: it was not its timeout. */
export function approvedByTimeout(
  node: Pick<NodeFlow, 'state' | 'outputs' | 'decisions'>,
  spec: GateSpec,
): Record<string, string> | undefined {
  const inTime = spec.timeoutThen !== 'approve' || standingOf(node, spec).missing === 0;
  return node.state !== 'succeeded' || inTime ? undefined : (node.outputs ?? {});
}

/** `approved by its timeout, with replicas=4` */
export function timeoutText(inputs: Readonly<Record<string, string>>): string {
  const said = Object.entries(inputs).map(([name, value]) => `${name}=${value}`);
  return `approved by its timeout${said.length === 0 ? '' : `, with ${said.join(', ')}`}`;
}

/** Forges tell people apart without regard to case, so one with two spellings is one. */
function personKey(name: string): string {
  return name.toLowerCase();
}

export function samePerson(a: string, b: string): boolean {
  return personKey(a) === personKey(b);
}
