import { branchOf, type PushEvent } from '@solstice/common/forge';
import type { Repository, ScheduleSource, Store } from '@solstice/common/store';
import type { Workflow } from '@solstice/common/workflow';
import type { Forge } from '../forges/forge.js';
import type { ReadCommit } from './draft-plan.js';
import type { Occasion } from './occasion.js';

export interface ReadSchedules {
  store: Pick<Store, 'schedules'>;
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
  const { store, repository } = ask;
  if (event.kind === 'forge.push.v1') {
    if (branchOf(event.ref) === undefined) return [];
    const hasSome = read.workflows.some((workflow) => rulesOf(workflow).length > 0);
    const hadSome = hasSome || (await store.schedules.list({ repositoryId: repository.id })).length > 0;
    if (!hadSome || !(await isDefaultBranch(event, ask))) return [];
  } else if (event.kind !== 'forge.schedule.v1') {
    return [];
  }
  return (await store.schedules.replace(scheduleSource(repository.id, deliveryId, source.commit, read))).stale;
}

function scheduleSource(
  repositoryId: string,
  deliveryId: string | undefined,
  commit: string,
  read: ReadCommit,
): ScheduleSource {
  return {
    ...{ repositoryId, deliveryId, commit },
    files: read.workflows.map((workflow) => ({
      file: workflow.file,
      workflow: workflow.name,
      schedules: rulesOf(workflow),
    })),
    broken: read.broken.map(({ path }) => path),
  };
}

async function isDefaultBranch(event: PushEvent, { forge, repository, signal }: ReadSchedules): Promise<boolean> {
  const defaultBranch = repository.defaultBranch ?? event.repository.defaultBranch;
  const ref = defaultBranch === undefined ? await forge.defaultRef(repository, signal) : `refs/heads/${defaultBranch}`;
  return ref === event.ref;
}

function rulesOf(workflow: Workflow): ScheduleSource['files'][number]['schedules'] {
  return workflow.on.flatMap((trigger) =>
    trigger.event === 'schedule' ? [{ cron: trigger.cron, timezone: trigger.timezone, missed: trigger.missed }] : [],
  );
}
