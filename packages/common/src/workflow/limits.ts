import { kdlLimits } from '../kdl/index.js';

/** What one commit's workflow files may cost. Each has a message of its own when it is passed. */
export const workflowLimits = {
  ...kdlLimits,
  jobs: 256,
  filesPerCommit: 32,
  /** Every one of them is worth an attempt. */
  hostsOfPlace: 16,
  cpus: 4096,
  /** What a container can be held to. */
  leastCpus: 0.01,
  /** Docker makes no container with less than 6 MiB, and the runner needs room beside the job. */
  leastMemoryBytes: 128 * 1024 * 1024,
} as const;
