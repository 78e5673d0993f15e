import type { ScheduleReading } from '@solstice/common/store';
import type { ScheduleReadingView } from './schedule-view.js';

export function readingView(reading: ScheduleReading, repository: string | undefined): ScheduleReadingView {
  const { repositoryId, source, dueAt, problem } = reading;
  return {
    ...{ repositoryId, ...(repository !== undefined && { repository }) },
    ...(source?.ref !== undefined && { ref: source.ref }),
    ...(source && { commit: source.commit }),
    ...(source?.readAt && { readAt: source.readAt.toISOString() }),
    ...(source?.workflows !== undefined && { workflows: source.workflows }),
    broken: source?.broken ?? [],
    ...(problem !== undefined && stillTrue(reading) && { problem }),
    ...(dueAt && { dueAt: dueAt.toISOString() }),
  };
}

/** What a look met is over once a push, which may have mended it, was read after it. */
function stillTrue({ dueAt, lookedAt, source }: ScheduleReading): boolean {
  if (dueAt !== undefined || lookedAt === undefined || source?.readAt === undefined) return true;
  return lookedAt.getTime() > source.readAt.getTime();
}
