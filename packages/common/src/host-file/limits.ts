import { kdlLimits } from '../kdl/index.js';

export const hostLimits = {
  ...kdlLimits,
  /** Pools and aliases together: each claim looks through the hosts' offers. */
  pools: 256,
  cpus: 4096,
  slots: 4096,
  /** Docker makes no container with less than 6 MiB, and the runner needs room beside the job. */
  poolMemoryBytes: 128 * 1024 * 1024,
} as const;
