import { kdlLimits } from '../kdl/index.js';

/** What one commit's workflow files may cost. Each has a message of its own when it is passed. */
export const workflowLimits = {
  ...kdlLimits,
  /** Jobs and waits as they are written, before a matrix makes several of one. */
  jobs: 256,
  /** Of all matrices of a run. */
  cells: 1024,
  axes: 8,
  /** Attempts beyond the first. */
  retries: 10,
  outputsOfJob: 64,
  /** Texts with expressions, those of a template counted for each job that is like it. */
  expressions: 4096,
  /** Of all jobs of a run, those of a matrix counted for each cell. */
  stepsOfRun: 8192,
  /** Needs of a run: a matrix that needs a matrix has as many as both multiplied. */
  needsOfRun: 16_384,
  /** Scripts and variables of all jobs of a run, those of a matrix counted for each cell. */
  textOfRun: 4 * 1024 * 1024,
  filesPerCommit: 32,
  /** Of on "manual", and of a gate. */
  inputs: 32,
  /** `on "schedule"` of a workflow. */
  schedules: 16,
  approversOfGate: 64,
  promptCharacters: 1_000,
  servicesOfJob: 16,
  /** Of the name of a concurrency group, when its expressions have been evaluated. */
  groupCharacters: 300,
  /** Every one of them is worth an attempt. */
  hostsOfPlace: 16,
  cpus: 4096,
  /** What a container can be held to. */
  leastCpus: 0.01,
  /** Docker makes no container with less than 6 MiB, and the runner needs room beside the job. */
  leastMemoryBytes: 128 * 1024 * 1024,
} as const;
