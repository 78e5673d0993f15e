import type { Clock } from '@solstice/common/clock';
import type { Settings } from '@solstice/common/config';
import type { Queue } from '@solstice/common/queue';
import type { Store } from '@solstice/common/store';
import type { Logger, Metrics, Tracing } from '@solstice/common/telemetry';
import type { DataDirectory } from '../process/data-directory.js';
import type { Health } from '../process/health.js';
import type { Shutdown } from '../process/shutdown.js';

/** What every role of this process is made of. */
export interface RoleContext {
  settings: Settings;
  version: string;
  data: DataDirectory;
  store: Store;
  queue: Queue;
  health: Health;
  shutdown: Shutdown;
  logger: Logger;
  metrics: Metrics;
  tracing: Tracing;
  clock: Clock;
  /** Aborted as soon as this process is told to stop. */
  stopping: AbortSignal;
  /** A part ended that must not end: the process has to stop. */
  crashed(error: Error, part: string): void;
}
