export { assertReplays } from './assert-replays.js';
export * from './measures.js';
export type { MeasuresOptions } from './metrics/measures-on-scrape.js';
export { withStoreMetrics } from './metrics/with-store-metrics.js';
export { createMemoryStore, type MemoryStoreSettings } from './memory/memory-store.js';
export { type MigrateOptions, type MigrationStatus, migrate, migrationStatus } from './postgres/migrate.js';
export { createPostgresStore, type PostgresStoreSettings } from './postgres/postgres-store.js';
export * from './records.js';
export * from './store.js';
