import type { ScheduleRecord } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import { parseInput } from '../operator/errors.js';
import { findRepository } from '../repositories/find-repository.js';
import { scheduleListQuerySchema } from '../requests.js';
import { readingView } from './reading-view.js';
import type { ScheduleView } from './schedule-view.js';

/** When workflows start by themselves. */
export function registerScheduleRoutes(app: FastifyInstance, { store }: OperatorApiDeps): void {
  app.get('/schedules', async (request) => {
    const { repository } = parseInput(scheduleListQuerySchema, request.query);
    const repositoryId = repository === undefined ? undefined : (await findRepository(store, repository)).id;
    const filter = repositoryId === undefined ? {} : { repositoryId };
    const [schedules, readings, repositories] = await Promise.all([
      store.schedules.list(filter),
      store.scheduleLooks.readings(filter),
      store.repositories.list(),
    ]);
    const names = new Map(repositories.map(({ id, name }) => [id, name]));
    return {
      schedules: schedules.map((schedule) => scheduleView(schedule, names.get(schedule.repositoryId))),
      readings: readings.map((reading) => readingView(reading, names.get(reading.repositoryId))),
    };
  });
}

function scheduleView(schedule: ScheduleRecord, repository: string | undefined): ScheduleView {
  const { id, repositoryId, file, workflow, cron, timezone, missed, nextAt, lastTick, skipped, staleAtCommit } =
    schedule;
  return {
    ...{ id, repositoryId, ...(repository !== undefined && { repository }) },
    ...{ file, workflow, cron, timezone, missed, skipped },
    ...(nextAt && { nextAt: nextAt.toISOString() }),
    ...(lastTick && { lastTick: lastTickView(lastTick) }),
    ...(staleAtCommit !== undefined && { staleAtCommit }),
  };
}

function lastTickView(tick: NonNullable<ScheduleRecord['lastTick']>): NonNullable<ScheduleView['lastTick']> {
  const { at, deliveryId, runId, runNumber } = tick;
  return {
    ...{ at: at.toISOString(), deliveryId },
    ...(runId !== undefined && runNumber !== undefined && { run: { id: runId, number: runNumber } }),
  };
}
