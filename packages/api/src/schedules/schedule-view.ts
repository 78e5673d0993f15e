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
export const scheduleListSchema = z.object({ schedules: z.array(scheduleSchema) });
export type ScheduleView = z.infer<typeof scheduleSchema>;
