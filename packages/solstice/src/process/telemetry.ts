import { createMetrics, createTracing, type Metrics, type Tracing } from '@solstice/common/telemetry';
import type { RunningProcess } from './run-process.js';

/** What this process counts and traces. */
export function startTelemetry(
  process: RunningProcess,
  about: { version: string; roles: readonly string[] },
): { metrics: Metrics; tracing: Tracing } {
  const { settings, logger, shutdown } = process;
  const metrics = createMetrics(about);
  // Until it has answered: who waits for it is told as waiting.
  metrics.set('solstice_database_up', {}, 0);
  const tracing = createTracing({
    otlpUrl: settings.otlpUrl,
    role: about.roles.join('+'),
    version: about.version,
    instance: settings.host.id,
    logger: logger.child({ part: 'tracing' }),
    metrics,
  });
  shutdown.add('tracing', () => tracing.stop());
  return { metrics, tracing };
}
