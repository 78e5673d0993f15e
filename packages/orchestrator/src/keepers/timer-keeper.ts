import { BATCH, type KeeperOptions, type RunningKeeper, startKeeper } from './keeper.js';

/** Fires the timers of all runs as they become due, and forgets the keys of requests whose day is over. */
export function startTimerKeeper(options: KeeperOptions<'timers' | 'requestKeys'>): RunningKeeper {
  const { timers, requestKeys } = options.store;
  return startKeeper(options, {
    name: 'timers',
    some: async (logger) => {
      const { fired, skipped } = await timers.fire(BATCH);
      if (fired > 0) logger.debug({ fired }, 'timers have fired');
      const forgotten = await requestKeys.forget(BATCH);
      if (forgotten > 0) logger.debug({ forgotten }, 'old keys of requests are forgotten');
      return { done: fired + forgotten, skipped };
    },
    nextInMs: () => timers.nextInMs(),
  });
}
