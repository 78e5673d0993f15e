import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

export interface TracingSettings {
  /** Where an OpenTelemetry collector takes OTLP over HTTP: its base address, or the whole one of `/v1/traces`. */
  otlpUrl?: string | undefined;
  /** What this process does: `forge`, `orchestrator`, … */
  role: string;
  version?: string;
  /** Which of the processes of this role it is. */
  instance?: string;
  logger: Logger;
  metrics?: Pick<Metrics, 'count'> | undefined;
  /** For tests: how long a span may lie before it is sent. */
  sendAfterMs?: number;
}
