import type { Logger } from '@solstice/common/telemetry';

export type StopReason = { signal: string } | { crash: Error };

/** What of the process this needs; `process` itself, or a test's. */
interface Signals {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
}

const EXIT_FORCED = 130;
const EXIT_TOO_LATE = 1;

export interface StopSignals {
  /** Settles with the reason to stop: a signal, or a part that crashed. */
  stop: Promise<StopReason>;
  /** Aborted by the same, for what waits during the start. */
  signal: AbortSignal;
  crashed(error: Error): void;
}

/**
 * Waits to be told to stop. From then on a second signal, or `deadlineMs()` being over, ends the process at once: there
 * is always a timer, so that nothing that hangs holds a machine's shutdown up.
 */
export function listenForStop(deadlineMs: () => number, logger: Logger, from: Signals = process): StopSignals {
  const aborting = new AbortController();
  let tell!: (reason: StopReason) => void;
  const stop = new Promise<StopReason>((resolve) => {
    tell = resolve;
  });
  const begin = (reason: StopReason) => {
    const ms = deadlineMs();
    aborting.abort();
    setTimeout(() => {
      logger.error({ deadlineMs: ms }, 'stopping took too long; exiting at once');
      from.exit(EXIT_TOO_LATE);
    }, ms).unref();
    tell(reason);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    from.on(signal, () => {
      if (aborting.signal.aborted) {
        logger.warn({ signal }, 'second signal: exiting at once');
        from.exit(EXIT_FORCED);
        return;
      }
      begin({ signal });
    });
  }
  return {
    stop,
    signal: aborting.signal,
    crashed(error) {
      if (!aborting.signal.aborted) begin({ crash: error });
    },
  };
}
