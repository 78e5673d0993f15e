import type { ForgeEvent } from '@solstice/common/forge';
import { tagOf } from '@solstice/common/forge';
import {
  type ChangedFiles,
  changedPatternsOf,
  dependsOnPaths,
  globMatches,
  matchTrigger,
  type Workflow,
} from '@solstice/common/workflow';

/** Has what changed to be known, to start this workflow by this event, or for what it asks with `changed(…)`? */
export function asksForChanges(workflow: Workflow, event: ForgeEvent): boolean {
  if (!isComparable(event)) return false;
  if (dependsOnPaths(workflow, event)) return true;
  return changedPatternsOf(workflow).length > 0 && matchTrigger(workflow, event).matched;
}

/** A branch or a pull request has something to be compared with. A tag, a schedule, or a person has not. */
function isComparable(event: ForgeEvent): boolean {
  switch (event.kind) {
    case 'forge.push.v1':
      return tagOf(event.ref) === undefined;
    case 'forge.pull_request.v1':
    case 'forge.comment.v1':
      return true;
    case 'forge.schedule.v1':
      return false;
  }
}

/**
 * What `changed(…)` comes to for each pattern that a workflow asks about. Where there is nothing to be compared with, or
 * nobody can tell, it is true, as for `paths`: what was needed and did not run is worse.
 */
export function changedBy(
  workflow: Workflow,
  changed: ChangedFiles | undefined,
): { changed: Record<string, boolean>; note?: string } {
  const patterns = changedPatternsOf(workflow);
  const fits = (pattern: string): boolean =>
    changed?.kind !== 'files' || changed.paths.some((path) => globMatches(pattern, path));
  return {
    changed: Object.fromEntries(patterns.map((pattern) => [pattern, fits(pattern)])),
    ...(patterns.length > 0 &&
      changed?.kind === 'unknown' && { note: `${workflow.name} takes everything as changed: ${changed.reason}` }),
  };
}
