import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  /** What is waited for, for the message when it does not come: `run 3 is over`. A function is asked then. */
  describe?: string | (() => string);
  /** Default 120 s: far more than any takes, also on a machine that is busy with other work. */
  timeoutMs?: number;
  intervalMs?: number;
}

/**
 * Polls until `check` gives something other than undefined and false, and answers with it. A check that throws (a
 * failed expectation, say) is tried again. After the deadline it rejects with the last thing seen.
 */
export async function eventually<T>(
  check: () => Promise<T> | T,
  options: EventuallyOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const timeoutMs = options.timeoutMs ?? 120_000;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let seen: unknown;
    let cause: unknown;
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      seen = value;
    } catch (error) {
      cause = error;
      seen = error instanceof Error ? error.message : error;
    }
    if (performance.now() > deadline) {
      const what = typeof options.describe === 'function' ? options.describe() : (options.describe ?? 'the condition');
      throw new Error(`${what}: not within ${timeoutMs} ms. Last seen: ${show(seen)}`, { cause });
    }
    await delay(options.intervalMs ?? 20);
  }
}

function show(seen: unknown): string {
  return typeof seen === 'string' ? seen : (JSON.stringify(seen) ?? String(seen));
}
