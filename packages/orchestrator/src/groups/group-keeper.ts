import { BackgroundLoop, type Clock, type PartHealth } from '@solstice/common/loops';
import type { Store } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';

/** Looked at this often also when nothing was told: whoever ended a run may have died before it told it. */
const LOOK_MS = 5_000;
/** Groups in one pass; what is left comes at once after it. */
const BATCH = 100;
/** A group or a run that somebody else had is looked at again so soon. */
const SKIPPED_AGAIN_MS = 50;

export interface GroupKeeperOptions {
  store: Pick<Store, 'concurrency' | 'changes'>;
  logger: Logger;
  onCrash(error: Error, name: string): void;
  everyMs?: number;
  clock?: Clock;
  metrics?: Pick<Metrics, 'count'> | undefined;
}

export interface RunningGroupKeeper {
  /** Everything that was to be done by now; settles when that has happened. */
  passed(): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
}

/**
 * Gives the runs of concurrency groups their turns: admits the next one of a queue, and tells those whose place a newer run
 * took. For every process that has a store, whatever its role: any number of them may do the same.
 */
export function startGroupKeeper(options: GroupKeeperOptions): RunningGroupKeeper {
  const { store, everyMs = LOOK_MS, onCrash, metrics, clock } = options;
  const logger = options.logger.child({ part: 'groups' });
  let again: NodeJS.Timeout | undefined;
  const loop: BackgroundLoop = new BackgroundLoop({
    name: 'groups',
    everyMs,
    pass: async (signal) => {
      let { settled, skipped } = await store.concurrency.settle(BATCH);
      while (settled > 0 && !signal.aborted) {
        logger.debug({ settled }, 'runs of concurrency groups had their turns');
        ({ settled, skipped } = await store.concurrency.settle(BATCH));
      }
      clearTimeout(again);
      if (skipped > 0 && !signal.aborted) again = setTimeout(() => loop.wake(), SKIPPED_AGAIN_MS);
    },
    logger,
    onCrash,
    metrics,
    ...(clock === undefined ? {} : { clock }),
  });
  const unsubscribe = store.changes.on('concurrency', () => loop.wake());
  loop.start();
  return {
    passed: () => loop.passed(),
    stop: async () => {
      unsubscribe();
      await loop.stop();
      clearTimeout(again);
    },
    health: () => loop.health(),
  };
}
