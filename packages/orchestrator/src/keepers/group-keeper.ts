import { BATCH, type KeeperOptions, type RunningKeeper, startKeeper } from './keeper.js';

/**
 * Gives the runs of concurrency groups their turns: admits the next one of a queue, and tells those whose place a newer
 * run took.
 */
export function startGroupKeeper(options: KeeperOptions<'concurrency'>): RunningKeeper {
  const { concurrency } = options.store;
  return startKeeper(options, {
    name: 'concurrency',
    some: async (logger) => {
      const { settled, left, skipped } = await concurrency.settle(BATCH);
      if (settled > 0) logger.debug({ settled }, 'runs of concurrency groups had their turns');
      // Where somebody only left, somebody's turn may come in the next batch.
      return { done: settled + left, skipped };
    },
  });
}
