import { branchOf, type PushEvent } from '../forge/index.js';
import { globMatches } from './glob.js';
import type { Workflow } from './workflow.js';

export type TriggerMatch = { matched: true } | { matched: false; reason: string };

/** Does this push start this workflow? If not, the reason is for people: it is what the delivery's record will say. */
export function matchTrigger(workflow: Workflow, event: PushEvent): TriggerMatch {
  if (workflow.on.length === 0) return { matched: false, reason: 'it has no on "push"' };
  const branch = branchOf(event.ref);
  if (branch === undefined) {
    const tag = event.ref.startsWith('refs/tags/') ? `tag ${event.ref.slice('refs/tags/'.length)}` : event.ref;
    return { matched: false, reason: `on "push" is for branches; this is ${tag}` };
  }
  if (event.deleted) return { matched: false, reason: `on "push" is not for deletions; ${branch} was deleted` };
  const wanted: string[] = [];
  for (const trigger of workflow.on) {
    if (trigger.branches.length === 0) return { matched: true };
    if (trigger.branches.some((pattern) => globMatches(pattern, branch))) return { matched: true };
    wanted.push(...trigger.branches);
  }
  const noun = wanted.length === 1 ? 'branch' : 'branches';
  return { matched: false, reason: `on "push" wants ${noun} ${wanted.join(', ')}; this is ${branch}` };
}
