import { kdlLimits } from '../kdl/index.js';

/** What one commit's workflow files may cost. Each has a message of its own when it is passed. */
export const workflowLimits = {
  ...kdlLimits,
  jobs: 256,
  filesPerCommit: 32,
} as const;
