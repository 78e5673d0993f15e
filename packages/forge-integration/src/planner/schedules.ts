import { branchOf, type ForgeEvent, type PushEvent } from '@solstice/common/forge';
import type { Repository, ScheduleLook, ScheduleSource, Store } from '@solstice/common/store';
import type { Workflow } from '@solstice/common/workflow';
import type { Forge } from '../forges/forge.js';
import { defaultRefOf } from './default-ref.js';
import { firstProblem, type ReadCommit } from './draft-plan.js';
import type { Occasion } from './occasion.js';

export interface ReadSchedules {
  store: Pick<Store, 'schedules' | 'scheduleLooks'>;
  forge: Forge;
  repository: Repository;
  signal: AbortSignal;
}

/**
 * What is read of the default branch says anew what the repository's schedules are: for a push to it, and for a tick, which
 * is of its newest commit. Before anything is written of the delivery itself: killed in between, it is done again, and says
 * the same. Answers the broken files whose schedules go on.
 */
export async function takeSchedules(
  { event, source }: Occasion,
  deliveryId: string,
  read: ReadCommit,
  ask: ReadSchedules,
): Promise<string[]> {
  if (!(await tellsOfDefaultBranch(event, ask))) return [];
  const { ref, commit } = source;
  const taken = scheduleSource({ repositoryId: ask.repository.id, deliveryId, ref, commit }, read);
  return (await ask.store.schedules.replace(taken)).stale;
}

/** The same of what was read for a look, which ends with it. */
export async function takeLookedAt(
  look: ScheduleLook,
  at: { ref: string; commit: string },
  read: ReadCommit,
  store: Pick<Store, 'schedules'>,
): ReturnType<Store['schedules']['replace']> {
  return store.schedules.replace(
    scheduleSource({ repositoryId: look.repository.id, deliveryId: undefined, look, ...at }, read),
  );
}

function scheduleSource(of: Omit<ScheduleSource, 'files' | 'broken'>, read: ReadCommit): ScheduleSource {
  return {
    ...of,
    files: read.workflows.map((workflow) => ({
      file: workflow.file,
      workflow: workflow.name,
      schedules: rulesOf(workflow),
    })),
    broken: read.broken.map((file) => ({ file: file.path, problem: firstProblem(file) })),
  };
}

async function tellsOfDefaultBranch(event: ForgeEvent, ask: ReadSchedules): Promise<boolean> {
  if (event.kind === 'forge.schedule.v1') return true;
  if (event.kind !== 'forge.push.v1' || branchOf(event.ref) === undefined) return false;
  const { repository, forge, signal } = ask;
  const told = repository.defaultBranch ?? event.repository.defaultBranch;
  const ref = told === undefined ? await defaultRefOf(repository, forge, signal) : `refs/heads/${told}`;
  if (ref === event.ref) return true;
  if (ref !== undefined) await noticeAnother(ref, event, ask);
  return false;
}

/** The forge's default branch is another than the one that was read last: nobody pushes to it because of that. */
async function noticeAnother(ref: string, event: PushEvent, { store, repository }: ReadSchedules): Promise<void> {
  if (repository.defaultBranch !== undefined || event.repository.defaultBranch === undefined) return;
  const [reading] = await store.scheduleLooks.readings({ repositoryId: repository.id });
  const before = reading?.source?.ref;
  if (before !== undefined && before !== ref && reading?.dueAt === undefined) {
    await store.scheduleLooks.ask(repository.id);
  }
}

function rulesOf(workflow: Workflow): ScheduleSource['files'][number]['schedules'] {
  return workflow.on.flatMap((trigger) =>
    trigger.event === 'schedule' ? [{ cron: trigger.cron, timezone: trigger.timezone, missed: trigger.missed }] : [],
  );
}
