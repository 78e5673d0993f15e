export { createInProcessQueue, type InProcessQueueSettings } from './in-process-queue.js';
export * from './queue.js';
export { withQueueMetrics } from './with-queue-metrics.js';
