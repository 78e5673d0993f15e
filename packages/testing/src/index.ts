export { FleetPostgres, type FleetPostgresOptions } from './database/fleet-postgres.js';
export {
  cloneDatabase,
  databaseFor,
  type Template,
  type TestContext,
  type TestDatabase,
} from './database/template-database.js';
export { provide, type Wanted } from './debian-packages.js';
export {
  type DockerEngine,
  type DockerForTests,
  dockerForTests,
  makeTestImages,
  type TestImages,
  type TestImagesOptions,
} from './docker/index.js';
export { type EventuallyOptions, eventually } from './eventually.js';
export * from './forges/index.js';
export { type LabHost, missingForNetworkLab, NetworkLab } from './network/index.js';
export * from './otlp/index.js';
export * from './rabbitmq/index.js';
export { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.js';
