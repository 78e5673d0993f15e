import { type DiagnosticSink, kdlCodes } from '../kdl/index.js';

// Nothing in it lasts.
const { 'bad-duration': _, ...shared } = kdlCodes;

/** Every code of a host file's diagnostic, with the line of docs/host.md that explains it. A code is never reused. */
export const hostCodes = {
  ...shared,
  'missing-host': 'A file holds exactly one `host`; this one has none.',
  'second-host': 'A file holds exactly one `host`; this is another.',
  'bad-host-id': 'A host is called by lower case letters, digits, `-` and `.`.',
  'missing-name': 'A pool or an alias needs a name.',
  'bad-pool': 'Not the name of a pool.',
  'no-pools': 'A host without a pool takes no job.',
  'too-many-pools': 'A host may have 256 pools and aliases.',
  'duplicate-pool': 'Two pools have the same name.',
  'duplicate-alias': 'Two aliases have the same name.',
  'alias-is-a-pool': 'A pool has the name of this alias, so jobs would never come to the other one.',
  'unknown-pool': 'An alias for a pool that is not in the file.',
  'missing-backend': 'A pool says how its jobs run.',
  'unknown-backend': 'There is no such backend.',
  'bad-image': 'Not the name of a container image.',
  'unused-word': 'The word means nothing for this backend, and is left out.',
  'pool-too-large': 'One job of the pool takes more than the whole host has, so none would ever start.',
  'pool-too-small': 'No job runs in so little memory.',
} as const satisfies Record<string, string>;

export type HostCode = keyof typeof hostCodes;
export type HostSink = DiagnosticSink<HostCode>;
