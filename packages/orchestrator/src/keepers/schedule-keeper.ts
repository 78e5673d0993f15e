import { BATCH, type KeeperOptions, type RunningKeeper, startKeeper } from './keeper.js';

/** Puts the ticks of schedules into the inbox as they come; of all processes one gets each tick. */
export function startScheduleKeeper(options: KeeperOptions<'schedules'>): RunningKeeper {
  const { schedules } = options.store;
  return startKeeper(options, {
    name: 'schedules',
    some: async (logger) => {
      const { taken, missed, skipped } = await schedules.take(BATCH);
      for (const { scheduleId, at, deliveryId } of taken) {
        logger.info({ schedule: scheduleId, tick: at, delivery: deliveryId }, 'a schedule came');
      }
      if (missed > 0) logger.warn({ missed }, 'ticks of schedules were missed, and are left out');
      return { done: taken.length + missed, skipped };
    },
    nextInMs: () => schedules.nextInMs(),
  });
}
