export { alreadyHere, beforeAllOthers, messagesOf, missingRepository, sourceOf } from './arrival.js';
export type { ExportedAttempt, RunExport } from './document.js';
export { afterExport, whyNotExport } from './may-export.js';
export { type ArrivingAttempt, type ArrivingRun, readExport } from './read-export.js';
export { endedAttempts, exportOf, isExported, logShares, tailOf } from './write-export.js';
