import { z } from 'zod';
import { flowEventSchema, text } from './event-schema.js';

/** Raised when an older version could not read it any more. */
export const EXPORT_VERSION = 1;

const instant = z.iso.datetime({ precision: 3 });

/** A step that has begun, as its runner told of it. */
const stepSchema = z.strictObject({
  index: z.number().int().min(0),
  state: z.enum(['running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'skipped']),
  exitCode: z.number().int().min(-2_147_483_648).max(2_147_483_647).optional(),
  signal: text.optional(),
  startedAt: instant.optional(),
  endedAt: instant.optional(),
});

const chunkSchema = z.strictObject({
  seq: z.number().int().positive(),
  step: z.number().int().min(0).max(2_147_483_647),
  stream: z.enum(['stdout', 'stderr', 'system']),
  at: instant,
  data: z.base64(),
});

/** Of an attempt that has ended. */
const attemptSchema = z.strictObject({
  id: text,
  /** The highest record of its runner that was stored. */
  durableSeq: z.number().int().min(0),
  steps: z.array(stepSchema),
  log: z.array(chunkSchema),
});

/**
 * A run on its way from one installation to another. Nothing in it counts in one of them only: the repository is named as
 * its forge names it, and rows and numbers stay behind, but for the run's, which is for people.
 */
export const runExportSchema = z.strictObject({
  format: z.literal('solstice-run'),
  version: z.literal(EXPORT_VERSION),
  exportedAt: instant,
  exportedBy: z.string(),
  run: z.strictObject({ id: z.uuid(), number: z.number().int().positive(), workflow: text }),
  source: z.strictObject({
    forge: text,
    /** As the forge names it. */
    repository: text,
    ref: text,
    commit: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
    before: text.optional(),
    title: z.string().optional(),
  }),
  trigger: z.strictObject({ event: text, actor: text }),
  checkContext: text,
  /** All of them, with those of the export. */
  events: z.array(flowEventSchema).min(1),
  attempts: z.array(attemptSchema),
});
export type RunExport = z.infer<typeof runExportSchema>;
export type ExportedAttempt = RunExport['attempts'][number];
