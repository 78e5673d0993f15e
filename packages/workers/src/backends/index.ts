export * from './backend.js';
export { createProcessBackend, type ProcessBackendSettings } from './process/process-backend.js';
