export * from './session-handler.js';
