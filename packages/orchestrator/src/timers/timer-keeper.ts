import { BackgroundLoop, type Clock, type PartHealth } from '@solstice/common/loops';
import type { Store } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';

/** Looked at this often also when nothing is known to be due: another process may have stored a timer and died. */
const LOOK_MS = 5_000;
/** In one pass; what is left comes at once after it. */
const BATCH = 100;
/** A run that somebody else had is looked at again so soon. */
const SKIPPED_AGAIN_MS = 50;

export interface TimerKeeperOptions {
  store: Pick<Store, 'timers' | 'changes'>;
  logger: Logger;
  onCrash(error: Error, name: string): void;
  everyMs?: number;
  clock?: Clock;
  metrics?: Pick<Metrics, 'count'> | undefined;
}

export interface RunningTimerKeeper {
  /** Fires what is due by now; settles when that has happened. */
  passed(): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
}

/**
 * Fires the timers of all runs as they become due. For every process that has a store, whatever its role: any number
 * of them may do the same. It sleeps until the next timer by the store's clock, which it asks for the time that is left,
 * and is woken when a timer is stored.
 */
export function startTimerKeeper(options: TimerKeeperOptions): RunningTimerKeeper {
  const { store, everyMs = LOOK_MS, onCrash, metrics, clock } = options;
  const logger = options.logger.child({ part: 'timers' });
  let alarm: NodeJS.Timeout | undefined;
  const loop: BackgroundLoop = new BackgroundLoop({
    name: 'timers',
    everyMs,
    pass: async (signal) => {
      let { fired, skipped } = await store.timers.fire(BATCH);
      while (fired > 0 && !signal.aborted) {
        logger.debug({ fired }, 'timers have fired');
        ({ fired, skipped } = await store.timers.fire(BATCH));
      }
      const nextMs = skipped > 0 ? SKIPPED_AGAIN_MS : await store.timers.nextInMs();
      clearTimeout(alarm);
      if (nextMs !== undefined && nextMs < everyMs && !signal.aborted) alarm = setTimeout(() => loop.wake(), nextMs);
    },
    logger,
    onCrash,
    metrics,
    ...(clock === undefined ? {} : { clock }),
  });
  const unsubscribe = store.changes.on('timers', () => loop.wake());
  loop.start();
  return {
    passed: () => loop.passed(),
    stop: async () => {
      unsubscribe();
      await loop.stop();
      clearTimeout(alarm);
    },
    health: () => loop.health(),
  };
}
