export { createInProcessQueue, type InProcessQueueSettings } from './in-process-queue.js';
export * from './queue.js';
