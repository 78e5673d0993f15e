export { assertReplays } from './assert-replays.js';
export { createMemoryStore, type MemoryStoreSettings } from './memory/memory-store.js';
export type { MeasuresOptions } from './metrics/measures-on-scrape.js';
export { withStoreMetrics } from './metrics/with-store-metrics.js';
export * from './port/index.js';
export { type MigrateOptions, type MigrationStatus, migrate, migrationStatus } from './postgres/migrate.js';
export { createPostgresStore, type PostgresStoreSettings } from './postgres/postgres-store.js';
export type { RunExport } from './run-export/index.js';
export { type CopyDataOptions, copyData } from './transfer/copy-data.js';
