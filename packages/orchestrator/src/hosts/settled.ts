import { SolsticeError } from '@solstice/common/errors';
import { pause } from '@solstice/common/loops';
import type { Logger } from '@solstice/common/telemetry';

/**
 * Calls until there is an answer: an outage of the database, however long, is waited out with growing pauses. Only
 * for calls that may be repeated when their outcome is unknown. Rejects with what is not retryable, or when aborted.
 */
export async function untilSettled<T>(call: () => Promise<T>, signal: AbortSignal, logger: Logger): Promise<T> {
  let told = '';
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof SolsticeError && error.retryable)) throw error;
      // Once an outage, not once a try: fifty jobs wait like this at the same time.
      if (error.message !== told) logger.warn({ err: error }, 'the store did not answer; trying until it does');
      told = error.message;
    }
    await pause(pauseMs * (0.5 + Math.random()), { signal });
  }
}
