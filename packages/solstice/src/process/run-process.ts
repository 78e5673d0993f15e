import { type Clock, systemClock } from '@solstice/common/clock';
import { loadSettings, type Settings, thisMachine } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import { createLogger, type Logger } from '@solstice/common/telemetry';
import { Health } from './health.js';
import { Shutdown } from './shutdown.js';
import { listenForStop, type StopSignals } from './stop-signals.js';

/** How long an orderly end may take before it is forced, beside the time that draining may take. */
const STOP_DEADLINE_MS = 30_000;

/** What a command that runs until it is told to stop has in hand. */
export interface RunningProcess {
  settings: Settings;
  logger: Logger;
  shutdown: Shutdown;
  health: Health;
  clock: Clock;
  /** Aborted as soon as this process is told to stop. */
  stopping: AbortSignal;
  /** A part ended that must not end: the process stops, and tells it. */
  crashed(error: Error, part: string): void;
}

/**
 * Reads the settings, starts, prints the line that `start` gives, waits to be told to stop, and undoes all that was
 * started, also when it failed half way. Rejects with what went wrong.
 */
export async function runProcess(
  configFile: string | undefined,
  start: (process: RunningProcess) => Promise<string>,
): Promise<void> {
  await withProcess(configFile, async (running, told) => {
    // A signal during the start waits for it: half-started parts know how to stop only once they have started. What
    // waits for others (the database) looks at `stopping`; that it gives up then is an end in order.
    const ready = await start(running).catch((error: unknown) => {
      if (!isBrokenOff(error, told)) throw error;
    });
    if (ready !== undefined && !told.signal.aborted) console.log(ready);
    const why = await told.stop;
    if ('crash' in why) throw why.crash;
    running.logger.info({ signal: why.signal }, 'stopping');
  });
}

/** The same for work that ends by itself. A signal breaks it off: it then rejects with `interrupted`. */
export async function runToEnd(
  configFile: string | undefined,
  work: (process: RunningProcess) => Promise<void>,
): Promise<void> {
  await withProcess(configFile, async (running, told) => {
    await work(running).catch((error: unknown) => {
      if (isBrokenOff(error, told)) throw new SolsticeError('interrupted', 'told to stop before it was done');
      throw error;
    });
  });
}

function isBrokenOff(error: unknown, told: StopSignals): boolean {
  return told.signal.aborted && error instanceof Error && error.name === 'AbortError';
}

async function withProcess(
  configFile: string | undefined,
  use: (process: RunningProcess, told: StopSignals) => Promise<void>,
): Promise<void> {
  const settings = await loadSettings({
    ...(configFile === undefined ? {} : { file: configFile }),
    env: process.env,
    machine: thisMachine(),
  });
  const logger = createLogger({ level: settings.logLevel });
  for (const warning of settings.warnings) logger.warn(warning);
  const shutdown = new Shutdown(logger);
  const health = new Health();
  shutdown.announce(() => health.stopping());
  const told = listenForStop(() => STOP_DEADLINE_MS + shutdown.drainForMs, logger);
  const crashed = (error: Error, part: string) => {
    logger.fatal({ err: error, crashed: part }, 'a part ended that must not end');
    health.crashed(part, error);
    shutdown.skipDrains();
    told.crashed(error);
  };
  try {
    await use({ settings, logger, shutdown, health, clock: systemClock, stopping: told.signal, crashed }, told);
  } finally {
    await shutdown.run();
  }
}
