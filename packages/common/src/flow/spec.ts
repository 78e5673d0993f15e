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
  /** `setup` scripts are the first of these, named `setup: <path>`. */
  steps: z.array(stepSpecSchema),
});

export const runSpecSchema = z.strictObject({
  version: z.literal(1),
  workflow: z.strictObject({ name: z.string(), file: z.string() }),
  nodes: z.array(jobSpecSchema),
});

export type StepSpec = z.infer<typeof stepSpecSchema>;
export type JobSpec = z.infer<typeof jobSpecSchema>;
export type NodeSpec = JobSpec;
export type RunSpec = z.infer<typeof runSpecSchema>;
