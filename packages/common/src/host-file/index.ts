export { describeHost } from './describe-host.js';
export type { HostDescription, HostPool, PoolAlias } from './host-description.js';
export { loadHostFile } from './load-host-file.js';
export { fitProblems, fullCapacity, offersOf } from './offers.js';
export { type HostFileResult, readHostFile, readHostFileBytes } from './read-host-file.js';
