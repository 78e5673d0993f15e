export * from './forge-event.js';
