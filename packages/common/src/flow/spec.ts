import { z } from 'zod';

/** What a run will do, frozen when it is planned: editing the file later never changes a running run. Stored in its first event. */
export const stepSpecSchema = z.strictObject({
  name: z.string(),
  env: z.record(z.string(), z.string()),
  timeoutMs: z.number().int().positive().optional(),
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

export const jobSpecSchema = z.strictObject({
  kind: z.literal('job'),
  id: z.string(),
  name: z.string(),
  /** Pool name. */
  runsOn: z.string(),
  image: z.string().optional(),
  /** The workflow's env with the job's own over it. */
  env: z.record(z.string(), z.string()),
  needs: z.array(z.string()),
  timeoutMs: z.number().int().positive().optional(),
  resources: resourcesSpecSchema.optional(),
  place: placeSpecSchema.optional(),
  /** Never two at once: once its steps may have run, it is not tried again because its worker was lost. */
  exclusive: z.literal(true).optional(),
  /** `setup` scripts are the first of these, named `setup: <path>`. */
  steps: z.array(stepSpecSchema),
});

export const runSpecSchema = z.strictObject({
  version: z.literal(1),
  workflow: z.strictObject({ name: z.string(), file: z.string() }),
  nodes: z.array(jobSpecSchema),
});

export type ResourcesSpec = z.infer<typeof resourcesSpecSchema>;
export type PlaceSpec = z.infer<typeof placeSpecSchema>;
export type StepSpec = z.infer<typeof stepSpecSchema>;
export type JobSpec = z.infer<typeof jobSpecSchema>;
export type NodeSpec = JobSpec;
export type RunSpec = z.infer<typeof runSpecSchema>;
