import { assertNever } from '@solstice/common/errors';
import type { CommentEvent, ForgeEvent, PullRequestEvent, ScheduleEvent } from '@solstice/common/forge';
import type { Delivery, PlanRequest, Repository, Store } from '@solstice/common/store';
import type { Forge } from '../forges/forge.js';
import { ForgeError } from '../forges/forge-error.js';
import { changedFiles } from './changed-files.js';
import { asksForChanges } from './changed-patterns.js';
import { defaultRefOf } from './default-ref.js';
import {
  draftRuns,
  failedCheck,
  type Ids,
  joinReasons,
  type ParseFiles,
  type ReadCommit,
  readCommit,
  selectByEvent,
  unreadError,
  unreadIn,
} from './draft-plan.js';
import {
  deletionReason,
  type Occasion,
  occasionOfComment,
  occasionOfPullRequest,
  occasionOfPush,
  occasionOfSchedule,
} from './occasion.js';
import { takeSchedules } from './schedules.js';
import { whyUntrusted } from './trust.js';

/** What becomes of a delivery. */
export type Verdict =
  | { kind: 'settle'; state: 'ignored' | 'failed'; reason: string }
  | { kind: 'plan'; request: PlanRequest };

/** A file that nobody could read after so many tries, minutes in all, is told as broken: then it is hardly the machine. */
const UNREAD_TRIES = 8;

interface Case {
  store: Pick<Store, 'schedules' | 'scheduleLooks'>;
  delivery: Delivery;
  repository: Repository;
  forge: Forge;
  parse: ParseFiles;
  ids: Ids;
  signal: AbortSignal;
}

/**
 * Reads the commit and decides; of what is stored it changes the repository's schedules only. Rejects with ForgeError
 * when the forge does not give what is needed, and with `source-unavailable` while a file could not be read.
 */
export async function judgeDelivery(
  delivery: Delivery & { event: ForgeEvent },
  repository: Repository,
  forge: Forge,
  dependencies: Pick<Case, 'store' | 'parse' | 'ids' | 'signal'>,
): Promise<Verdict> {
  const { event } = delivery;
  const { store, parse, ids, signal } = dependencies;
  const one: Case = { store, delivery, repository, forge, parse, ids, signal };
  switch (event.kind) {
    case 'forge.push.v1':
      return event.deleted ? ignored(deletionReason(event)) : judge(occasionOfPush(event, repository), one);
    case 'forge.pull_request.v1':
      return judgePullRequest(event, one);
    case 'forge.comment.v1':
      return judgeComment(event, one);
    case 'forge.schedule.v1':
      return judgeSchedule(event, one);
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

/** A tick: what its file says now, at the newest commit of the default branch. */
async function judgeSchedule(event: ScheduleEvent, one: Case): Promise<Verdict> {
  const { repository, forge, signal } = one;
  const ref = await defaultRefOf(repository, forge, signal);
  const commit = ref === undefined ? undefined : await forge.resolveRef(repository, ref, signal);
  if (ref === undefined || commit === undefined) {
    return ignored(`${repository.name} has no default branch: there is nothing to run`);
  }
  return judge(occasionOfSchedule(event, { ref, commit }, repository), one);
}

function idsOf(event: ForgeEvent, one: Case): (string | undefined)[] {
  return [event.repository.forgeRepositoryId, one.repository.forgeRepositoryId];
}

/** The code is trusted: which workflows of the commit are started? */
async function judge(occasion: Occasion, one: Case): Promise<Verdict> {
  const { delivery, repository, forge, parse, ids, signal } = one;
  const { event, source } = occasion;
  const files = await forge.readWorkflowFiles(repository, source.commit, signal);
  const read = files.length === 0 ? { workflows: [], broken: [] } : await readCommit(files, parse);
  const unread = unreadIn(read);
  if (unread !== undefined && delivery.tries < UNREAD_TRIES) throw unreadError(unread);
  const stale = await takeSchedules(occasion, delivery.id, read, one);
  if (files.length === 0) return ignored(`commit ${source.commit} has no .solstice/*.kdl`);
  const { workflows, broken } = asked(event, read);
  const changed = workflows.some((workflow) => asksForChanges(workflow, event))
    ? await changedFiles(occasion, { repository, forge, tries: delivery.tries, signal })
    : undefined;
  const { matching, notes, reasons } = selectByEvent(workflows, event, changed);
  const drafted = draftRuns(matching, occasion, ids, changed);
  // A comment asks for something: what else is wrong with the commit was told when it was pushed.
  const others = event.kind === 'forge.comment.v1' && matching.length === 0 ? [] : broken;
  const told = [...others, ...drafted.broken];
  const brokenReasons = [...broken, ...drafted.broken].map(({ path }) => whyBroken(path, stale));
  if (drafted.runs.length === 0 && told.length === 0) {
    const gone = event.kind === 'forge.schedule.v1' && workflows.length === 0 && broken.length === 0;
    const reason = gone ? [`commit ${source.commit} has no ${event.file}`] : [];
    return ignored(joinReasons([...reason, ...brokenReasons, ...reasons]));
  }
  const why = [...brokenReasons, ...notes, ...drafted.notes, ...missedNotes(event), ...reasons];
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

/** A schedule asks for one file: what there is beside it is not its business. */
function asked(event: ForgeEvent, read: ReadCommit): ReadCommit {
  if (event.kind !== 'forge.schedule.v1') return read;
  return {
    workflows: read.workflows.filter(({ file }) => file === event.file),
    broken: read.broken.filter(({ path }) => path === event.file),
  };
}

function whyBroken(path: string, stale: readonly string[]): string {
  const schedules = stale.includes(path) ? ', and its schedules go on as they were' : '';
  return `${path} is broken; its check says where${schedules}`;
}

function missedNotes(event: ForgeEvent): string[] {
  if (event.kind !== 'forge.schedule.v1' || event.missed === 0) return [];
  const ticks = event.missed === 1 ? '1 earlier tick' : `${event.missed} earlier ticks`;
  return [`nobody was there for ${ticks}: this run stands for them too`];
}

function ignored(reason: string): Verdict {
  return { kind: 'settle', state: 'ignored', reason };
}
