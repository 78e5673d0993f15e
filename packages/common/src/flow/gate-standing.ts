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

export function standingOf({ decisions = [] }: Pick<NodeFlow, 'decisions'>, spec: GateSpec): GateStanding {
  const last = new Map<string, Decision>();
  for (const decision of decisions) {
    const person = personKey(decision.by);
    last.delete(person);
    last.set(person, decision);
  }
  const approvals = [...last.values()].filter(({ verdict }) => verdict === 'approve');
  const missing = Math.max(0, spec.count - approvals.length);
  return { approvals, missing, inputs: approvals[0]?.inputs ?? {} };
}

/** Forges tell people apart without regard to case, so one with two spellings is one. */
function personKey(name: string): string {
  return name.toLowerCase();
}

export function samePerson(a: string, b: string): boolean {
  return personKey(a) === personKey(b);
}
