export * from './ci-attributes.js';
export * from './create-metrics.js';
export * from './create-tracing.js';
export { createLogger, type Logger, type LogSettings } from './logger.js';
export {
  type DatabaseGauge,
  databaseGauges,
  type LabelsOf,
  type MetricName,
  type MetricNameOf,
  metricNames,
} from './metric-catalogue.js';
export type { GaugeSeries, Metrics, Series } from './metrics.js';
export { parseTraceparent, type TraceContext } from './trace-context.js';
export { type Attributes, noTracing, type Span, type SpanEnd, type SpanOptions, type Tracing } from './tracing.js';
