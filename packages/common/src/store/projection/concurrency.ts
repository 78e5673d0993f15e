import { isTerminal, type Origin, type RunFlow } from '../../flow/index.js';
import type { GroupMember } from '../port/index.js';

export type Newcomer = Pick<GroupMember, 'workflow' | 'policy' | 'eventOrder'> & {
  /** Somebody asked for it: what has ended already does not take its place, although it is newer. */
  rerun: boolean;
};

/** What a group needs to have done: one command to one run. */
export type GroupStep = { kind: 'supersede'; runId: string; byRunId: string } | { kind: 'admit'; runId: string };

/**
 * Whether a run that is being planned may begin. Only runs of the same workflow take one another's place: another workflow
 * with the same name for its group does other work. A queue is one for all of them.
 */
export function originIn(members: readonly GroupMember[], run: Newcomer): Pick<Origin, 'held' | 'supersededBy'> {
  const newer = inOrder(members).findLast(
    (other) => takesPlaceOf(other, run) && other.eventOrder > run.eventOrder && !(run.rerun && other.ended),
  );
  if (newer !== undefined) return { supersededBy: newer.runId };
  const waits = members.some(
    (other) => !other.ended && (!other.held || other.eventOrder <= run.eventOrder) && run.policy === 'queue',
  );
  return waits ? { held: true } : {};
}

/** One thing at a time: what it leads to is looked at again. Undefined: all is as it should be. */
export function nextStep(members: readonly GroupMember[]): GroupStep | undefined {
  const ordered = inOrder(members);
  for (const old of ordered) {
    if (old.ended || old.superseded) continue;
    // One that came before it was looked at when it was planned.
    const newer = ordered.findLast(
      (other) => takesPlaceOf(other, old) && other.entered > old.entered && other.eventOrder >= old.eventOrder,
    );
    if (newer !== undefined) return { kind: 'supersede', runId: old.runId, byRunId: newer.runId };
  }
  if (members.some(({ held, ended }) => !held && !ended)) return undefined;
  const next = ordered.find(({ held, ended, superseded }) => held && !ended && !superseded);
  return next && { kind: 'admit', runId: next.runId };
}

/**
 * Those that nobody has to know of any more: they have ended, and no older run could still come that they take the place
 * of. `oldestWaiting`: the place in the inbox of the repository's oldest event that has not been planned yet.
 */
export function leavers(members: readonly GroupMember[], oldestWaiting: number | undefined): string[] {
  const ordered = inOrder(members);
  return ordered
    .filter((member) => {
      if (!member.ended) return false;
      if (member.policy === 'queue' || oldestWaiting === undefined || oldestWaiting > member.eventOrder) return true;
      return ordered.findLast((other) => takesPlaceOf(other, member)) !== member;
    })
    .map(({ runId }) => runId);
}

/** It has ended, and somebody may wait for that. */
export function leavesGroup({ state, spec }: Pick<RunFlow, 'state' | 'spec'>): boolean {
  return isTerminal(state) && spec.concurrency !== undefined && spec.concurrency.policy !== 'allow';
}

function takesPlaceOf(newer: Pick<GroupMember, 'policy' | 'workflow'>, older: Pick<GroupMember, 'workflow'>): boolean {
  return newer.policy === 'supersede' && newer.workflow === older.workflow;
}

function inOrder(members: readonly GroupMember[]): GroupMember[] {
  return members.toSorted((a, b) => a.eventOrder - b.eventOrder || a.entered - b.entered);
}
