import type { Logger } from '@solstice/common/telemetry';

/** What has to be undone, in the order in which it was done. Undone in reverse. */
export class Shutdown {
  readonly #steps: { name: string; undo: () => Promise<void> | void }[] = [];
  readonly #logger: Logger;
  #done: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, undo: () => Promise<void> | void): void {
    this.#steps.push({ name, undo });
  }

  /** Runs every step, also after one failed. Idempotent. */
  run(): Promise<void> {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run(): Promise<void> {
    for (const { name, undo } of this.#steps.reverse()) {
      const beganMs = performance.now();
      try {
        await undo();
        this.#logger.debug({ step: name, ms: Math.round(performance.now() - beganMs) }, 'stopped');
      } catch (error) {
        this.#logger.error({ err: error, step: name }, 'a part did not stop cleanly');
      }
    }
  }
}

/** Settles with the reason to stop: a signal, or a part that crashed. A second signal, or the deadline, ends the process at once. */
export function untilToldToStop(
  deadlineMs: number,
  logger: Logger,
): {
  stop: Promise<{ signal: string } | { crash: Error }>;
  crashed(error: Error): void;
} {
  let tell!: (reason: { signal: string } | { crash: Error }) => void;
  const stop = new Promise<{ signal: string } | { crash: Error }>((resolve) => {
    tell = resolve;
  });
  let told = false;
  const begin = (reason: { signal: string } | { crash: Error }) => {
    told = true;
    setTimeout(() => {
      logger.error({ deadlineMs }, 'stopping took too long; exiting at once');
      process.exit(1);
    }, deadlineMs).unref();
    tell(reason);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (told) {
        logger.warn({ signal }, 'second signal: exiting at once');
        process.exit(130);
      }
      begin({ signal });
    });
  }
  return {
    stop,
    crashed(error) {
      if (!told) begin({ crash: error });
    },
  };
}
