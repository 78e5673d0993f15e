import {
  branchOf,
  type CommentEvent,
  type ForgeEvent,
  type PullRequestEvent,
  type PushEvent,
  type ScheduleEvent,
  tagOf,
} from '../forge/index.js';
import { globMatches } from './glob.js';
import type { Trigger, Workflow } from './workflow.js';

/** `note`: why it runs although something could not be looked at; for people, as are the reasons. */
export type TriggerMatch = { matched: true; note?: string } | { matched: false; reason: string };

/** What an event changed, from the root of the repository; or why that cannot be told: then paths keep nothing back. */
export type ChangedFiles = { kind: 'files'; paths: readonly string[] } | { kind: 'unknown'; reason: string };

/**
 * Does this event start this workflow? Several `on` are alternatives. `changed`: absent, paths are not asked about (see
 * dependsOnPaths). If it does not, the reason is what the delivery's record will say.
 */
export function matchTrigger(workflow: Workflow, event: ForgeEvent, changed?: ChangedFiles): TriggerMatch {
  const { fitting, reason } = fittingTriggers(workflow, event);
  if (reason !== undefined) return { matched: false, reason };
  const refusals: string[] = [];
  let note: string | undefined;
  for (const trigger of fitting) {
    const match = matchPaths(trigger, changed);
    if (match.matched && match.note === undefined) return match;
    if (match.matched) note ??= match.note;
    else refusals.push(match.reason);
  }
  return note === undefined ? { matched: false, reason: [...new Set(refusals)].join('; ') } : { matched: true, note };
}

/** Can nobody tell whether this event starts this workflow without knowing what changed? */
export function dependsOnPaths(workflow: Workflow, event: ForgeEvent): boolean {
  const { fitting } = fittingTriggers(workflow, event);
  return fitting.length > 0 && fitting.every((trigger) => hasPaths(trigger));
}

function hasPaths(trigger: Trigger): boolean {
  return 'branches' in trigger && (trigger.paths !== undefined || trigger.ignore !== undefined);
}

type Fitting = { fitting: Trigger[]; reason?: string };

/** The triggers that fit in all but the paths; none: with the reason. */
function fittingTriggers(workflow: Workflow, event: ForgeEvent): Fitting {
  switch (event.kind) {
    case 'forge.push.v1':
      return tagOf(event.ref) === undefined ? byPush(workflow, event) : byTag(workflow, event);
    case 'forge.pull_request.v1':
      return byPullRequest(workflow, event);
    case 'forge.comment.v1':
      return byComment(workflow, event);
    case 'forge.schedule.v1':
      return bySchedule(workflow, event);
  }
}

function byPush(workflow: Workflow, event: PushEvent): Fitting {
  const triggers = ofEvent(workflow, 'push');
  if (triggers.length === 0) return none('it has no on "push"');
  const branch = branchOf(event.ref);
  if (branch === undefined) return none(`on "push" is for branches; this is ${event.ref}`);
  if (event.deleted) return none(`on "push" is not for deletions; ${branch} was deleted`);
  return byBranch('push', triggers, branch, `this is ${branch}`);
}

function byTag(workflow: Workflow, event: PushEvent): Fitting {
  const tag = tagOf(event.ref) ?? '';
  const triggers = ofEvent(workflow, 'tag');
  if (triggers.length === 0) return none(`it has no on "tag"; this is tag ${tag}`);
  if (event.deleted) return none(`on "tag" is not for deletions; tag ${tag} was deleted`);
  const fitting = triggers.filter(({ match }) => fitsOne(match, tag));
  if (fitting.length > 0) return { fitting };
  const wanted = triggers.flatMap(({ match }) => match);
  return none(`on "tag" wants ${wanted.join(', ')}; this is ${tag}`);
}

function byPullRequest(workflow: Workflow, event: PullRequestEvent): Fitting {
  const triggers = ofEvent(workflow, 'pull_request');
  if (triggers.length === 0) return none('it has no on "pull_request"');
  return byBranch('pull_request', triggers, event.base.branch, `this one is into ${event.base.branch}`);
}

function byComment(workflow: Workflow, event: CommentEvent): Fitting {
  const triggers = ofEvent(workflow, 'comment');
  if (triggers.length === 0) return none('it has no on "comment"');
  const line = event.line.trim().replace(/\s+/g, ' ');
  const fitting = triggers.filter(({ match }) => line === match || line.startsWith(`${match} `));
  if (fitting.length > 0) return { fitting };
  return none(`on "comment" wants ${triggers.map(({ match }) => match).join(' or ')}`);
}

/** A schedule is the one that it was stored as: one that was changed since then has ticks of its own. */
function bySchedule(workflow: Workflow, event: ScheduleEvent): Fitting {
  const triggers = ofEvent(workflow, 'schedule');
  if (workflow.file !== event.file) return none(`this is a schedule of ${event.file}`);
  if (triggers.length === 0) return none('it has no on "schedule" any more');
  const fitting = triggers.filter(({ cron, timezone }) => cron === event.cron && timezone === event.timezone);
  if (fitting.length > 0) return { fitting };
  return none(`it has no on "schedule" cron="${event.cron}" timezone="${event.timezone}" any more`);
}

function byBranch(
  event: 'push' | 'pull_request',
  triggers: Extract<Trigger, { branches: string[] }>[],
  branch: string,
  found: string,
): Fitting {
  const fitting = triggers.filter(({ branches }) => fitsOne(branches, branch));
  if (fitting.length > 0) return { fitting };
  const wanted = triggers.flatMap(({ branches }) => branches);
  const noun = wanted.length === 1 ? 'branch' : 'branches';
  return none(`on "${event}" wants ${noun} ${wanted.join(', ')}; ${found}`);
}

function matchPaths(trigger: Trigger, changed: ChangedFiles | undefined): TriggerMatch {
  if (changed === undefined || !('branches' in trigger) || !hasPaths(trigger)) return { matched: true };
  if (changed.kind === 'unknown') {
    return { matched: true, note: `runs whatever its paths say: ${changed.reason}` };
  }
  const { event, paths, ignore = [] } = trigger;
  const counted = changed.paths.filter((path) => ignore.length === 0 || !fitsOne(ignore, path));
  if (paths === undefined ? counted.length > 0 : counted.some((path) => fitsOne(paths, path))) return { matched: true };
  if (changed.paths.length === 0)
    return { matched: false, reason: `on "${event}" wants changed files; there are none` };
  const all = changed.paths.length === 1 ? 'the file' : `all ${changed.paths.length} files`;
  if (counted.length === 0) return { matched: false, reason: `on "${event}" ignores ${all} that changed` };
  return { matched: false, reason: `on "${event}" wants ${paths?.join(', ')}; ${shown(counted)} changed` };
}

function shown(paths: readonly string[]): string {
  const some = paths.slice(0, 3).join(', ');
  return paths.length > 3 ? `${some} and ${paths.length - 3} more` : some;
}

/** No pattern at all means anything. */
function fitsOne(patterns: readonly string[], text: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => globMatches(pattern, text));
}

function ofEvent<E extends Trigger['event']>(workflow: Workflow, event: E): Extract<Trigger, { event: E }>[] {
  return workflow.on.filter((trigger): trigger is Extract<Trigger, { event: E }> => trigger.event === event);
}

function none(reason: string): Fitting {
  return { fitting: [], reason };
}
