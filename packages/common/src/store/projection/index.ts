export * from './checks.js';
export * from './claims.js';
export * from './deliveries.js';
export * from './endings.js';
export * from './log-records.js';
export * from './run-detail.js';
export * from './steps.js';
export * from './touched.js';
