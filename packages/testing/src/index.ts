export {
  cloneDatabase,
  databaseFor,
  type Template,
  type TestContext,
  type TestDatabase,
} from './database/template-database.js';
export { type EventuallyOptions, eventually } from './eventually.js';
export { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.js';
