export { alreadyHere, beforeAllOthers, messagesOf, missingRepository, sourceOf } from './arrival.js';
export type { ExportedAttempt, RunExport } from './document.js';
export { type ArrivingAttempt, type ArrivingRun, readExport } from './read-export.js';
export { endedAttempts, exportOf, isExported, logShares } from './write-export.js';
