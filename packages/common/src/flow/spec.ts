import { z } from 'zod';

/** What a run will do, frozen when it is planned: editing the file later never changes a running run. Stored in its first event. */
export const stepSpecSchema = z.strictObject({
  name: z.string(),
  env: z.record(z.string(), z.string()),
  timeoutMs: z.number().int().positive().optional(),
  /** How long it may say nothing. */
  silenceMs: z.number().int().positive().optional(),
  /** Its failure is shown, and the next step goes on. */
  allowFailure: z.literal(true).optional(),
  action: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('run'), script: z.string() }),
    z.strictObject({ kind: z.literal('script'), path: z.string() }),
  ]),
});

/** What a job takes of its host. What it leaves out is as the pool has it. */
export const resourcesSpecSchema = z.strictObject({
  cpus: z.number().positive().optional(),
  memoryBytes: z.number().int().positive().optional(),
});

/** Where a job may run: these hosts, the first that can before the next. */
export const placeSpecSchema = z.strictObject({
  hosts: z.array(z.string()).min(1),
  /** Any host, when none of the named can take it. Absent: it waits for one of them. */
  otherwise: z.literal('any').optional(),
  /** What sends it to the next host: only a fault of the infrastructure, or its own failure too. */
  on: z.enum(['infra', 'any']),
});

/** When another attempt follows one that failed. Faults of the infrastructure have their own rules beside it. */
export const retrySpecSchema = z.strictObject({
  /** Attempts beyond the first. */
  times: z.number().int().positive(),
  /** `failed`: whatever the steps did. `exit:75`: that code only. `infra`: also what is exclusive, and so often. */
  on: z.array(z.string().regex(/^(infra|timeout|failed|exit:\d{1,3})$/)).min(1),
  /** Full jitter: each waits for a time between `minMs` and a bound that doubles from `minMs` up to `maxMs`. */
  backoff: z.strictObject({ minMs: z.number().int().nonnegative(), maxMs: z.number().int().nonnegative() }).optional(),
});

/** What all kinds of nodes have. */
const node = {
  id: z.string(),
  name: z.string(),
  needs: z.array(z.string()),
  /** By the needed node. `always`: however it ended. `failed`: only if it did. Absent: it succeeded or was skipped. */
  needsOn: z.record(z.string(), z.enum(['always', 'failed'])).optional(),
  /** It may fail: the run does not fail by it, and what needs it goes on. */
  allowFailure: z.literal(true).optional(),
  /** For all of its attempts together, from the first one's queueing on. */
  deadlineMs: z.number().int().positive().optional(),
};

export const jobSpecSchema = z.strictObject({
  kind: z.literal('job'),
  ...node,
  /** Pool name. */
  runsOn: z.string(),
  image: z.string().optional(),
  /** The workflow's env with the job's own over it. */
  env: z.record(z.string(), z.string()),
  /** Of an attempt. */
  timeoutMs: z.number().int().positive().optional(),
  /** How long an attempt may wait for a host. */
  queueMs: z.number().int().positive().optional(),
  /** How long its steps may say nothing. */
  silenceMs: z.number().int().positive().optional(),
  retry: retrySpecSchema.optional(),
  resources: resourcesSpecSchema.optional(),
  place: placeSpecSchema.optional(),
  /** Never two at once: once its steps may have run, it is not tried again because its worker was lost. */
  exclusive: z.literal(true).optional(),
  /** It is one cell of a matrix: `group` is what all of its cells share, and names the rules in `groups` of the run. */
  matrix: z.strictObject({ group: z.string(), cell: z.record(z.string(), z.string()) }).optional(),
  /** Read from these files after the last step; a step may set others by itself. */
  outputs: z.array(z.strictObject({ name: z.string(), file: z.string() })).optional(),
  /** `setup` scripts are the first of these, named `setup: <path>`. */
  steps: z.array(stepSpecSchema),
  /** Run when the steps fail; if they succeed, so does the job. */
  catch: z.array(stepSpecSchema).optional(),
  /** Run at the end, whatever came before. */
  finally: z.array(stepSpecSchema).optional(),
});

/** Ends by itself, so long after all that it needs has ended. */
export const waitSpecSchema = z.strictObject({
  kind: z.literal('wait'),
  ...node,
  forMs: z.number().int().nonnegative(),
});

export const nodeSpecSchema = z.discriminatedUnion('kind', [jobSpecSchema, waitSpecSchema]);

/** The rules of a matrix. */
export const groupSpecSchema = z.strictObject({
  /** How many of its cells may be queued or run at once. Absent: all. */
  maxParallel: z.number().int().positive().optional(),
  /** `cancel`: the first cell that fails takes the others with it. */
  onFailure: z.enum(['continue', 'cancel']),
});

export const runSpecSchema = z.strictObject({
  version: z.literal(1),
  workflow: z.strictObject({ name: z.string(), file: z.string() }),
  nodes: z.array(nodeSpecSchema),
  /** By the name of the matrix. */
  groups: z.record(z.string(), groupSpecSchema).optional(),
  /** What conditions may read: `branch`, `tag`, `sha`, `short_sha`, `event`, `actor`, `inputs.level`, … */
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

export type ResourcesSpec = z.infer<typeof resourcesSpecSchema>;
export type PlaceSpec = z.infer<typeof placeSpecSchema>;
export type StepSpec = z.infer<typeof stepSpecSchema>;
export type JobSpec = z.infer<typeof jobSpecSchema>;
export type WaitSpec = z.infer<typeof waitSpecSchema>;
export type NodeSpec = z.infer<typeof nodeSpecSchema>;
export type RetrySpec = z.infer<typeof retrySpecSchema>;
export type GroupSpec = z.infer<typeof groupSpecSchema>;
export type RunSpec = z.infer<typeof runSpecSchema>;

/**
 * All steps of a node in the order of their numbers, as they are called in logs and causes: its steps, those of `catch`
 * (`catch: Core dumps`), those of `finally`.
 */
export function stepsOf(node: NodeSpec | undefined): readonly StepSpec[] {
  if (node?.kind !== 'job') return [];
  const called = (kind: string, steps: readonly StepSpec[] = []) =>
    steps.map((step) => ({ ...step, name: `${kind}: ${step.name}` }));
  return [...node.steps, ...called('catch', node.catch), ...called('finally', node.finally)];
}
