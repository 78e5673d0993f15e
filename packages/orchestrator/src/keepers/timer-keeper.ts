import { BATCH, type KeeperOptions, type RunningKeeper, startKeeper } from './keeper.js';

/** Fires the timers of all runs as they become due. */
export function startTimerKeeper(options: KeeperOptions<'timers'>): RunningKeeper {
  const { timers } = options.store;
  return startKeeper(options, {
    name: 'timers',
    some: async (logger) => {
      const { fired, skipped } = await timers.fire(BATCH);
      if (fired > 0) logger.debug({ fired }, 'timers have fired');
      return { done: fired, skipped };
    },
    nextInMs: () => timers.nextInMs(),
  });
}
