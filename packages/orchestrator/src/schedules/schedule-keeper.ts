import { BackgroundLoop, type Clock, type PartHealth } from '@solstice/common/loops';
import type { Store } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';

/** Looked at this often also when no tick is known to be near: another process may have stored a schedule and died. */
const LOOK_MS = 5_000;
/** Schedules in one pass; what is left comes at once after it. */
const BATCH = 100;
/** A schedule that somebody else had is looked at again so soon. */
const SKIPPED_AGAIN_MS = 50;

export interface ScheduleKeeperOptions {
  store: Pick<Store, 'schedules' | 'changes'>;
  logger: Logger;
  onCrash(error: Error, name: string): void;
  everyMs?: number;
  clock?: Clock;
  metrics?: Pick<Metrics, 'count'> | undefined;
}

export interface RunningScheduleKeeper {
  /** Takes the ticks that have come by now; settles when that has happened. */
  passed(): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
}

/**
 * Puts the ticks of schedules into the inbox as they come. For every process that has a store, whatever its role: any
 * number of them may do the same, and one gets each tick. It sleeps until the next one by the store's clock, which it asks
 * for the time that is left, and is woken when schedules are stored.
 */
export function startScheduleKeeper(options: ScheduleKeeperOptions): RunningScheduleKeeper {
  const { store, everyMs = LOOK_MS, onCrash, metrics, clock } = options;
  const logger = options.logger.child({ part: 'schedules' });
  let alarm: NodeJS.Timeout | undefined;
  const loop: BackgroundLoop = new BackgroundLoop({
    name: 'schedules',
    everyMs,
    pass: async (signal) => {
      let done = await store.schedules.take(BATCH);
      while (done.taken.length + done.missed > 0 && !signal.aborted) {
        for (const { scheduleId, at, deliveryId } of done.taken) {
          logger.info({ schedule: scheduleId, tick: at, delivery: deliveryId }, 'a schedule came');
        }
        if (done.missed > 0) logger.warn({ missed: done.missed }, 'ticks of schedules were missed, and are left out');
        done = await store.schedules.take(BATCH);
      }
      const nextMs = done.skipped > 0 ? SKIPPED_AGAIN_MS : await store.schedules.nextInMs();
      clearTimeout(alarm);
      if (nextMs !== undefined && nextMs < everyMs && !signal.aborted) alarm = setTimeout(() => loop.wake(), nextMs);
    },
    logger,
    onCrash,
    metrics,
    ...(clock === undefined ? {} : { clock }),
  });
  const unsubscribe = store.changes.on('schedules', () => loop.wake());
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
