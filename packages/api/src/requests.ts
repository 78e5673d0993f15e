import { z } from 'zod';

/** What the operator API takes. Strict: a misspelt name is told, not ignored. Query values arrive as text. */
const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'a whole number is wanted')
  .transform(Number);
const limit = z
  .string()
  .regex(/^\d{1,4}$/, 'a whole number is wanted')
  .transform(Number)
  .pipe(z.number().int().min(1).max(1000));
/** Fit for the database, where no zero byte can be. */
const line = z
  .string()
  .max(500)
  .regex(/^[^\r\n\0\p{Surrogate}]*$/u, 'one line of text is wanted');

const flag = z.enum(['0', '1']).transform((value) => value === '1');

export const runRefSchema = z.strictObject({
  run: z.string().regex(/^(\d{1,15}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})$/, 'a run is named by its number or its id'),
});
export const idSchema = z.strictObject({ id: z.string().min(1).max(200) });

export const runListQuerySchema = z.strictObject({
  repository: line.optional(),
  state: line.optional(),
  before: wholeNumber.optional(),
  limit: limit.optional(),
  /** Only those that wait for something that is no host. */
  waiting: flag.optional(),
});

export const cancelBodySchema = z.strictObject({ reason: line.optional(), by: line.optional() });

/** A person's name, as approvers are called, without `user:`. */
const person = z.string().regex(/^[^\s\p{Cc}]{1,100}$/u, 'a name without spaces is wanted');
export const gateRefSchema = runRefSchema.extend({ gate: z.string().min(1).max(200) });
export const rejectBodySchema = z.strictObject({
  by: person.optional(),
  reason: line.optional(),
  /** The same again is the same decision: for whoever did not get the answer. */
  requestId: z.string().min(1).max(100).optional(),
});
export const approveBodySchema = rejectBodySchema.extend({
  /** By name; each as a text, whatever its type. Which there are, the gate says. */
  inputs: z
    .record(z.string().min(1).max(100), z.string().max(4_000))
    .refine((inputs) => Object.keys(inputs).length <= 100, 'at most 100 inputs')
    .optional(),
});

/** Without `failed` and `job`: all of it. */
export const rerunBodySchema = z
  .strictObject({
    /** What did not succeed, and what depends on it. */
    failed: z.literal(true).optional(),
    /** One node, a matrix or a branch, by the id in the file; and what depends on it. */
    job: line.min(1).optional(),
    /** Although it was exported, and goes on in another installation. */
    here: z.literal(true).optional(),
    by: line.optional(),
  })
  .refine(({ failed, job }) => failed === undefined || job === undefined, 'either failed, or a job');
export const exportBodySchema = z.strictObject({ by: line.optional() });

export const hostBodySchema = z.strictObject({ reason: line.optional(), by: line.optional() });
/** Beyond it, somebody has mistaken the unit. */
const longestDrainMs = 7 * 86_400_000;
export const drainBodySchema = hostBodySchema.extend({
  /** After so long what still runs there is handed back. Absent: it may take its time. */
  forMs: z.number().int().min(0).max(longestDrainMs).optional(),
});

export const deadLetterListQuerySchema = z.strictObject({ limit: limit.optional() });

export const logQuerySchema = z.strictObject({
  job: line.optional(),
  /** Counted from 0. */
  step: wholeNumber.optional(),
  attempt: wholeNumber.optional(),
  /** A cursor (the id of an event), or with one attempt the number of a record. */
  after: z.string().max(32_768).optional(),
  follow: flag.optional(),
  /** Events although it is not followed. */
  events: flag.optional(),
});

export const triggerBodySchema = z.strictObject({
  repository: line.min(1),
  ref: line.min(1).optional(),
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'a whole commit id is wanted')
    .optional(),
  workflow: line.min(1).optional(),
  /** Of that workflow, by name; each as a text, whatever its type. Which there are, the workflow says. */
  inputs: z
    .record(z.string().min(1).max(100), z.string().max(4_000))
    .refine((inputs) => Object.keys(inputs).length <= 100, 'at most 100 inputs')
    .optional(),
  by: line.optional(),
});

export const repositoryBodySchema = z.strictObject({
  /** Absent: the only one that there is. */
  forge: line.min(1).optional(),
  name: line.min(1),
  cloneUrl: line.min(1).optional(),
  defaultBranch: line.min(1).optional(),
  webhookSecret: z.string().min(16, 'a webhook secret has at least 16 characters').max(1000).optional(),
});

export const deliveryListQuerySchema = z.strictObject({
  state: z.enum(['received', 'planned', 'ignored', 'failed']).optional(),
  limit: limit.optional(),
});

export const scheduleListQuerySchema = z.strictObject({ repository: line.optional() });

export const checkListQuerySchema = z.strictObject({
  run: line.optional(),
  commit: line.optional(),
  pending: flag.optional(),
  limit: limit.optional(),
});
