export { createLogger, type Logger, type LogSettings } from './logger.js';
export type { TraceContext } from './trace-context.js';
