import { assertNever } from '@solstice/common/errors';
import type { CommentEvent, ForgeEvent, PullRequestEvent, PushEvent } from '@solstice/common/forge';
import type { Delivery, PlanRequest, Repository } from '@solstice/common/store';
import { type ChangedFiles, dependsOnPaths } from '@solstice/common/workflow';
import type { Forge } from '../forges/forge.js';
import { ForgeError } from '../forges/forge-error.js';
import { changedFiles } from './changed-files.js';
import {
  draftRuns,
  failedCheck,
  type Ids,
  joinReasons,
  type ParseFiles,
  readCommit,
  selectByEvent,
} from './draft-plan.js';
import { deletionReason, type Occasion, occasionOfComment, occasionOfPullRequest, occasionOfPush } from './occasion.js';
import { whyUntrusted } from './trust.js';

/** What becomes of a delivery. */
export type Verdict =
  | { kind: 'settle'; state: 'ignored' | 'failed'; reason: string }
  | { kind: 'plan'; request: PlanRequest };

interface Case {
  delivery: Delivery;
  repository: Repository;
  forge: Forge;
  parse: ParseFiles;
  ids: Ids;
  signal: AbortSignal;
}

/** Reads the commit and decides; writes nothing. Rejects with ForgeError when the forge does not give what is needed. */
export async function judgeDelivery(
  delivery: Delivery & { event: ForgeEvent },
  repository: Repository,
  forge: Forge,
  dependencies: { parse: ParseFiles; ids: Ids; signal: AbortSignal },
): Promise<Verdict> {
  const { event } = delivery;
  const { parse, ids, signal } = dependencies;
  const one: Case = { delivery, repository, forge, parse, ids, signal };
  switch (event.kind) {
    case 'forge.push.v1':
      return event.deleted ? ignored(deletionReason(event)) : judge(occasionOfPush(event, repository), one);
    case 'forge.pull_request.v1':
      return judgePullRequest(event, one);
    case 'forge.comment.v1':
      return judgeComment(event, one);
    default:
      return assertNever(event);
  }
}

async function judgePullRequest(event: PullRequestEvent, one: Case): Promise<Verdict> {
  const { number, head } = event;
  const untrusted = await whyUntrusted({
    ...one,
    pull: { number, head: { forgeRepositoryId: head.forgeRepositoryId, ...head } },
    repositoryIds: idsOf(event, one),
  });
  return untrusted === undefined ? judge(occasionOfPullRequest(event, one.repository), one) : ignored(untrusted);
}

/** Nothing is read for somebody who may not write: a comment costs a stranger nothing. */
async function judgeComment(event: CommentEvent, one: Case): Promise<Verdict> {
  const { repository, forge, signal } = one;
  const { login } = event.author;
  if (!forge.pullRequests) return ignored('this forge has no pull requests');
  try {
    if (!(await forge.pullRequests.mayWrite(repository, event.author, signal))) {
      return ignored(`a comment of ${login}, who may not write to ${repository.name}: it starts nothing`);
    }
  } catch (error) {
    if (!(error instanceof ForgeError) || error.problem !== 'refused') throw error;
    return ignored(`whether ${login} may write to ${repository.name} could not be asked: ${error.message}`);
  }
  const pull = await forge.pullRequests.find(repository, event.number, signal);
  if (!pull?.open) return ignored(`pull request ${event.number} is not open (any more)`);
  const untrusted = await whyUntrusted({ ...one, pull, repositoryIds: idsOf(event, one) });
  return untrusted === undefined ? judge(occasionOfComment(event, pull, repository), one) : ignored(untrusted);
}

function idsOf(event: ForgeEvent, one: Case): (string | undefined)[] {
  return [event.repository.forgeRepositoryId, one.repository.forgeRepositoryId];
}

/** The code is trusted: which workflows of the commit are started? */
async function judge(occasion: Occasion, one: Case): Promise<Verdict> {
  const { delivery, repository, forge, parse, ids, signal } = one;
  const { event, source } = occasion;
  const files = await forge.readWorkflowFiles(repository, source.commit, signal);
  if (files.length === 0) return ignored(`commit ${source.commit} has no .solstice/*.kdl`);
  const { workflows, broken } = await readCommit(files, parse);
  let changed: ChangedFiles | undefined;
  if (isCompared(event) && workflows.some((workflow) => dependsOnPaths(workflow, event))) {
    changed = await changedFiles(event, { repository, forge, tries: delivery.tries, signal });
  }
  const { matching, notes, reasons } = selectByEvent(workflows, event, changed);
  const drafted = draftRuns(matching, occasion, ids);
  // A comment asks for something: what else is wrong with the commit was told when it was pushed.
  const others = event.kind === 'forge.comment.v1' && matching.length === 0 ? [] : broken;
  const told = [...others, ...drafted.broken];
  const brokenReasons = [...broken, ...drafted.broken].map(({ path }) => `${path} is broken; its check says where`);
  if (drafted.runs.length === 0 && told.length === 0) return ignored(joinReasons([...brokenReasons, ...reasons]));
  const why = [...brokenReasons, ...notes, ...reasons];
  return {
    kind: 'plan',
    request: {
      deliveryId: delivery.id,
      runs: drafted.runs,
      failedChecks: told.map((file) => failedCheck(file, source)),
      outcome: {
        state: drafted.runs.length === 0 ? 'failed' : 'planned',
        reason: why.length === 0 ? undefined : joinReasons(why),
      },
    },
  };
}

function isCompared(event: ForgeEvent): event is PushEvent | PullRequestEvent {
  return event.kind !== 'forge.comment.v1';
}

function ignored(reason: string): Verdict {
  return { kind: 'settle', state: 'ignored', reason };
}
