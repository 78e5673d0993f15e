import { OpenTelemetryTracing } from './open-telemetry.js';
import { noTracing, type Tracing } from './tracing.js';
import type { TracingSettings } from './tracing-settings.js';

export type { TracingSettings };

/** Without an address it traces nothing and loads nothing. */
export function createTracing(settings: TracingSettings): Tracing {
  const { otlpUrl } = settings;
  if (otlpUrl === undefined) return noTracing;
  return new OpenTelemetryTracing({ ...settings, otlpUrl });
}
