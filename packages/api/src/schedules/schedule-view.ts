import { z } from 'zod';
import { instant } from '../instant.js';

export const scheduleSchema = z.object({
  id: z.string(),
  repositoryId: z.string(),
  /** `owner/name` */
  repository: z.string().optional(),
  /** Of the workflow, from the root of the repository. */
  file: z.string(),
  workflow: z.string(),
  /** Five fields. */
  cron: z.string(),
  timezone: z.string(),
  /** What becomes of ticks that nobody was there for. */
  missed: z.enum(['run-once', 'skip']),
  /** Absent: none comes any more. */
  nextAt: instant.optional(),
  /** The last tick that was taken, the delivery that it became, and its run, once it is planned. */
  lastTick: z
    .object({
      at: instant,
      deliveryId: z.string(),
      run: z.object({ id: z.string(), number: z.number().int() }).optional(),
    })
    .optional(),
  /** Ticks that nobody was there for, without a run in their place. */
  skipped: z.number().int(),
  /** The file is broken at this commit, the newest that was read: this is what it said before. */
  staleAtCommit: z.string().optional(),
});
/** From what a repository's schedules were read last, and whether somebody still has to look. */
export const scheduleReadingSchema = z.object({
  repositoryId: z.string(),
  /** `owner/name` */
  repository: z.string().optional(),
  /** Of the default branch that was read; absent: none was, or by a version that did not keep it. */
  ref: z.string().optional(),
  /** Absent: they were never read. */
  commit: z.string().optional(),
  readAt: instant.optional(),
  /** How many workflow files there were, broken ones among them. */
  workflows: z.number().int().optional(),
  /** Whose schedules nobody knows, with the first of what is wrong there. */
  broken: z.array(z.object({ file: z.string(), problem: z.string() })),
  /** What the last look met, where nothing was read since. */
  problem: z.string().optional(),
  /** It is to be read (again): by then at the latest. */
  dueAt: instant.optional(),
});
export type ScheduleReadingView = z.infer<typeof scheduleReadingSchema>;
/** `readings`: of every repository that was asked about. An older server does not tell them. */
export const scheduleListSchema = z.object({
  schedules: z.array(scheduleSchema),
  readings: z.array(scheduleReadingSchema).default([]),
});
export type ScheduleList = z.infer<typeof scheduleListSchema>;
export type ScheduleView = z.infer<typeof scheduleSchema>;
