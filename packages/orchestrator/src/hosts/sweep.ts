import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@solstice/common/telemetry';

/** Repeats `task` until stopped, with jitter, so that hosts and roles do not march in step. A failed round is logged and the next one comes. */
export async function sweep(
  name: string,
  everyMs: number,
  task: () => Promise<unknown>,
  signal: AbortSignal,
  logger: Logger,
  onError: (error: unknown) => void = () => undefined,
): Promise<void> {
  while (!signal.aborted) {
    await delay(everyMs * (0.8 + Math.random() * 0.4), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await task();
    } catch (error) {
      logger.warn({ err: error, sweep: name }, 'a sweep failed; the next one tries again');
      onError(error);
    }
  }
}
