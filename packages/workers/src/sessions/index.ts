export { defaultLimits, type SessionLimits } from './limits.js';
export { ProtocolViolation, toRecord, toResult } from './protocol-words.js';
export * from './session-handler.js';
export { createSessionServer, type SessionServer, type SessionServerSettings } from './session-server.js';
