import type { Clock } from '@solstice/common/clock';
import { BackgroundLoop, type PartHealth } from '@solstice/common/loops';
import type { Store } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';

/** Looked at this often also when nothing is known to be due: another process may have stored something and died. */
const LOOK_MS = 5_000;
/** In one batch; what is left comes at once after it. */
export const BATCH = 100;
/** What somebody else had just now is looked at again so soon. */
const SKIPPED_AGAIN_MS = 50;

export interface KeeperOptions<Part extends keyof Store> {
  store: Pick<Store, Part | 'changes'>;
  logger: Logger;
  onCrash(error: Error, name: string): void;
  everyMs?: number;
  clock?: Clock;
  metrics?: Pick<Metrics, 'count'> | undefined;
}

export interface RunningKeeper {
  /** Does what is due by now; settles when that has happened. */
  passed(): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
}

/** What a keeper does, again and again. */
interface Duty {
  /** Of the part in logs and health, and of the changes that wake it. */
  name: 'timers' | 'concurrency' | 'schedules';
  /** Up to `BATCH` of what is due. `skipped`: others were in somebody else's hands. */
  some(logger: Logger): Promise<{ done: number; skipped: number }>;
  /** How long until the next is due, by the store's clock. Absent: only a change makes something due. */
  nextInMs?(): Promise<number | undefined>;
}

/**
 * For every process that has a store, whatever its role: any number of them may do the same, because the store lets each
 * thing happen once. It sleeps until something is due, and is woken when something is stored.
 */
export function startKeeper<Part extends keyof Store>(options: KeeperOptions<Part>, duty: Duty): RunningKeeper {
  const { store, everyMs = LOOK_MS, onCrash, metrics, clock } = options;
  const logger = options.logger.child({ part: duty.name });
  let alarm: NodeJS.Timeout | undefined;
  const loop: BackgroundLoop = new BackgroundLoop({
    name: duty.name,
    everyMs,
    pass: async (signal) => {
      let { done, skipped } = await duty.some(logger);
      while (done > 0 && !signal.aborted) ({ done, skipped } = await duty.some(logger));
      const nextMs = skipped > 0 ? SKIPPED_AGAIN_MS : await duty.nextInMs?.();
      clearTimeout(alarm);
      if (nextMs !== undefined && nextMs < everyMs && !signal.aborted) alarm = setTimeout(() => loop.wake(), nextMs);
    },
    logger,
    onCrash,
    metrics,
    ...(clock === undefined ? {} : { clock }),
  });
  const unsubscribe = store.changes.on(duty.name, () => loop.wake());
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
