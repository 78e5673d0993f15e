export type { GitCredential } from './git.js';
export { createMirrors, type Mirrors, type MirrorsSettings, type SourceRequest } from './mirrors.js';
