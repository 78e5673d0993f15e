export { createLogger, type Logger, type LogSettings } from './logger.js';
