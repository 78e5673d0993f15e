export * from './cause.js';
export * from './messages.js';
export * from './spec.js';
export * from './states.js';
