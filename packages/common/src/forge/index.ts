export * from './commit-id.js';
export * from './forge-event.js';
