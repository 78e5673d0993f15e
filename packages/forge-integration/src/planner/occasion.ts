import {
  branchOf,
  type CommentEvent,
  type ForgeEvent,
  isZeroCommit,
  type PullRequestEvent,
  type PushEvent,
  pullRequestRef,
  type ScheduleEvent,
  shortRefOf,
  tagOf,
} from '@solstice/common/forge';
import type { Repository, SourceRef } from '@solstice/common/store';
import type { InputValue } from '@solstice/common/workflow';
import type { PullRequest } from '../forges/forge.js';

/** Why there may be runs, and of which commit: an event, with what the forge had to be asked for beside it. */
export interface Occasion {
  event: ForgeEvent;
  source: SourceRef;
  trigger: { event: string; actor: string };
  pullRequest?: { number: number; head: string; base: string };
  /** By hand: what was said for the inputs of the workflow. */
  inputs?: Readonly<Record<string, string>>;
}

export function occasionOfPush(event: PushEvent, repository: Repository): Occasion {
  return {
    event,
    source: sourceOf(repository, {
      ref: event.ref,
      commit: event.after,
      before: isZeroCommit(event.before) ? undefined : event.before,
      title: event.title,
    }),
    trigger: { event: tagOf(event.ref) === undefined ? 'push' : 'tag', actor: event.pusher.login },
  };
}

/** Of the head as the event has it: that is the commit which its check is shown on. */
export function occasionOfPullRequest(event: PullRequestEvent, repository: Repository): Occasion {
  const { number, head, base } = event;
  const ref = pullRequestRef(number);
  return {
    event,
    source: sourceOf(repository, { ref, commit: head.commit, before: base.commit, title: event.title }),
    trigger: { event: 'pull_request', actor: event.sender.login },
    pullRequest: { number, head: head.branch, base: base.branch },
  };
}

/** Of the head as the forge had it when it was asked: the comment does not say. */
export function occasionOfComment(event: CommentEvent, pull: PullRequest, repository: Repository): Occasion {
  const { number, head, base, title } = pull;
  return {
    event,
    source: sourceOf(repository, { ref: pullRequestRef(number), commit: head.commit, before: base.commit, title }),
    trigger: { event: 'comment', actor: event.author.login },
    pullRequest: { number, head: head.branch, base: base.branch },
  };
}

/** Of the newest commit of the default branch, as the forge has it when the tick is planned. */
export function occasionOfSchedule(
  event: ScheduleEvent,
  newest: { ref: string; commit: string },
  repository: Repository,
): Occasion {
  return {
    event,
    source: sourceOf(repository, { ...newest, before: undefined, title: undefined }),
    trigger: { event: 'schedule', actor: 'schedule' },
  };
}

/** What conditions of the workflow may read, beside its inputs. The branch of a pull request is the one it comes from. */
export function valuesOf(occasion: Occasion): Record<string, InputValue> {
  const { source, trigger, pullRequest } = occasion;
  return {
    branch: pullRequest?.head ?? branchOf(source.ref) ?? '',
    tag: tagOf(source.ref) ?? '',
    sha: source.commit,
    short_sha: source.commit.slice(0, 7),
    event: trigger.event,
    actor: trigger.actor,
    ...(pullRequest && { 'pull_request.number': pullRequest.number, 'pull_request.base': pullRequest.base }),
  };
}

/** What a person would call the thing that was deleted. */
export function deletionReason(event: PushEvent): string {
  return `${tagOf(event.ref) === undefined ? 'branch' : 'tag'} ${shortRefOf(event.ref)} was deleted`;
}

function sourceOf(repository: Repository, about: Pick<SourceRef, 'ref' | 'commit' | 'before' | 'title'>): SourceRef {
  return {
    repositoryId: repository.id,
    forge: repository.forge,
    repositoryName: repository.name,
    cloneUrl: repository.cloneUrl,
    ...about,
  };
}
