export { assertReplays } from './assert-replays.js';
export { createMemoryStore, type MemoryStoreSettings } from './memory/memory-store.js';
export * from './records.js';
export * from './store.js';
