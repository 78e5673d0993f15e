import { z } from 'zod';

/** What a run will do, frozen when it is planned: editing the file later never changes a running run. Stored in its first event. */
export const stepSpecSchema = z.strictObject({
  name: z.string(),
  env: z.record(z.string(), z.string()),
  timeoutMs: z.number().int().positive().optional(),
  /** How long it may say nothing. */
  silenceMs: z.number().int().positive().optional(),
  /** For all times that it runs, in all attempts of its job together. */
  deadlineMs: z.number().int().positive().optional(),
  /** A condition in CEL, as it was written. The runner judges it when it is the step's turn; if it is false, the step is skipped. */
  when: z.string().optional(),
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

/**
 * A text that reads what other nodes give: known when its node becomes ready. It is not in its place until then, so that
 * nobody can take for it what it is made of; whoever needs it asks for the resolved node. What is no expression here stays
 * as it is, whatever it looks like.
 */
export const lateTextSchema = z.strictObject({
  at: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('image') }),
    z.strictObject({ kind: z.literal('env'), name: z.string() }),
    /** `step`: its number among all steps of the job, see `stepsOf`. */
    z.strictObject({ kind: z.literal('step-env'), step: z.number().int().nonnegative(), name: z.string() }),
    z.strictObject({ kind: z.literal('service-image'), service: z.string() }),
    z.strictObject({ kind: z.literal('service-env'), service: z.string(), name: z.string() }),
    z.strictObject({ kind: z.literal('prompt') }),
  ]),
  pieces: z.array(z.union([z.strictObject({ text: z.string() }), z.strictObject({ expression: z.string() })])).min(1),
});

/** What has texts that may be late. */
const late = { late: z.array(lateTextSchema).min(1).optional() };

/** What all kinds of nodes have. */
const node = {
  id: z.string(),
  name: z.string(),
  needs: z.array(z.string()),
  /** By the needed node. `always`: however it ended. `failed`: only if it did. Absent: it succeeded or was skipped. */
  needsOn: z.record(z.string(), z.enum(['always', 'failed'])).optional(),
  /** A condition in CEL, as it was written. Judged once all that it needs has ended; if it is false, the node is skipped. */
  when: z.string().optional(),
  /** It stands in this branch, and goes on only if the branch took its side. The branch is among what it needs. */
  branch: z.strictObject({ id: z.string(), side: z.enum(['then', 'else']) }).optional(),
  /** Begins when everything else has ended and something failed. It looks on: the run's result is not changed by it. */
  onFailure: z.literal(true).optional(),
  /** It may fail: the run does not fail by it, and what needs it goes on. */
  allowFailure: z.literal(true).optional(),
  /** For all of its attempts together, from the first one's queueing on. */
  deadlineMs: z.number().int().positive().optional(),
};

/** A container beside the job's worker, for as long as an attempt. Its name is its address. */
export const serviceSpecSchema = z.strictObject({
  name: z.string(),
  /** Absent: it is late. */
  image: z.string().optional(),
  env: z.record(z.string(), z.string()),
  /** Run in it again and again until it succeeds; the steps begin then. Absent: they begin when it runs. */
  ready: z
    .strictObject({
      command: z.string(),
      intervalMs: z.number().int().positive(),
      withinMs: z.number().int().positive(),
    })
    .optional(),
});

/** What whoever decides a gate may say with it. Without a default it has to be said. */
export const inputSpecSchema = z.discriminatedUnion('type', [
  z.strictObject({
    name: z.string(),
    type: z.literal('string'),
    default: z.string().optional(),
    options: z.array(z.string()).optional(),
  }),
  z.strictObject({
    name: z.string(),
    type: z.literal('int'),
    default: z.number().int().optional(),
    min: z.number().int().optional(),
    max: z.number().int().optional(),
  }),
  z.strictObject({ name: z.string(), type: z.literal('bool'), default: z.boolean().optional() }),
]);

/** What jobs, waits and gates have: there may be one for each cell of a matrix. */
const cell = {
  /** `group` is what all of its cells share, and names the rules in `groups` of the run. */
  matrix: z.strictObject({ group: z.string(), cell: z.record(z.string(), z.string()) }).optional(),
};

export const jobSpecSchema = z.strictObject({
  kind: z.literal('job'),
  ...node,
  ...late,
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
  ...cell,
  services: z.array(serviceSpecSchema).optional(),
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
  ...cell,
  forMs: z.number().int().nonnegative(),
});

/** Decides by its `when`, at once, which of the nodes that stand in it go on. Its output `taken` is `then` or `else`. */
export const branchSpecSchema = z.strictObject({ kind: z.literal('branch'), ...node, when: z.string() });

/** Waits for people. It succeeds with the inputs as outputs, or fails by a rejection. */
export const gateSpecSchema = z.strictObject({
  kind: z.literal('gate'),
  ...node,
  ...cell,
  ...late,
  prompt: z.string().optional(),
  /** `user:ada`, `team:release`; empty: anyone who may operate. */
  approvers: z.array(z.string()),
  /** How many different people have to approve. */
  count: z.number().int().positive(),
  /** `author`: not whoever caused the run. */
  exclude: z.literal('author').optional(),
  inputs: z.array(inputSpecSchema),
  /** From when it opened. Absent: it waits for ever. */
  timeoutMs: z.number().int().positive().optional(),
  /** What the end of that time means: `reject` ends it as timed out. */
  timeoutThen: z.enum(['reject', 'approve']).optional(),
});

export const nodeSpecSchema = z.discriminatedUnion('kind', [
  jobSpecSchema,
  waitSpecSchema,
  branchSpecSchema,
  gateSpecSchema,
]);

/** The rules of a matrix. */
export const groupSpecSchema = z.strictObject({
  /** How many of its cells may be queued or run at once. Absent: all. */
  maxParallel: z.number().int().positive().optional(),
  /** `cancel`: the first cell that fails takes the others with it. */
  onFailure: z.enum(['continue', 'cancel']),
});

export const runSpecSchema = z.strictObject({
  version: z.literal(1),
  workflow: z.strictObject({
    name: z.string(),
    file: z.string(),
    /** Of the file's text as it was read, in hex: says which of its states this is. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  }),
  nodes: z.array(nodeSpecSchema),
  /** For all of it, from the start of the run on; `onFailure` nodes come after it. */
  deadlineMs: z.number().int().positive().optional(),
  /** Of the runs of the repository's workflows that share this name, which may go on. */
  concurrency: z.strictObject({ group: z.string(), policy: z.enum(['supersede', 'queue', 'allow']) }).optional(),
  /** What a written id stands for that is more than one node: the cells of a matrix; a branch, and all that stands in it. */
  bundles: z.record(z.string(), z.array(z.string())).optional(),
  /** What `changed('src/**')` came to, by the pattern: all that the file asks. */
  changed: z.record(z.string(), z.boolean()).optional(),
  /** By the name of the matrix. */
  groups: z.record(z.string(), groupSpecSchema).optional(),
  /** What conditions and late texts may read: `branch`, `tag`, `sha`, `short_sha`, `event`, `actor`, `inputs.level`, … */
  values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

export type ResourcesSpec = z.infer<typeof resourcesSpecSchema>;
export type PlaceSpec = z.infer<typeof placeSpecSchema>;
export type StepSpec = z.infer<typeof stepSpecSchema>;
export type JobSpec = z.infer<typeof jobSpecSchema>;
export type WaitSpec = z.infer<typeof waitSpecSchema>;
export type BranchSpec = z.infer<typeof branchSpecSchema>;
export type GateSpec = z.infer<typeof gateSpecSchema>;
export type InputSpec = z.infer<typeof inputSpecSchema>;
export type ServiceSpec = z.infer<typeof serviceSpecSchema>;
export type LateText = z.infer<typeof lateTextSchema>;
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
