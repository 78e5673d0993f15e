export { createInProcessQueue, type InProcessQueueSettings } from './in-process-queue.js';
export * from './queue.js';
export { createRabbitQueue, type RabbitQueueSettings } from './rabbitmq/rabbitmq-queue.js';
export { withQueueMetrics } from './with-queue-metrics.js';
