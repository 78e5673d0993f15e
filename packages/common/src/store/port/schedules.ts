import type { BrokenScheduleFile, ScheduleLook } from './schedule-looks.js';

/** The delivery ids of ticks begin so; what comes from outside may not, or it would take the place of a tick. */
export const TICK_ID_PREFIX = 'schedule:';

/** What a repository's workflow files say of schedules, at a commit of its default branch. */
export interface ScheduleSource {
  repositoryId: string;
  /** The push or tick that it was read for; undefined: a look, or if there is none either, it is newer than all so far. */
  deliveryId: string | undefined;
  /** The look that it was read for, which ends with this. */
  look?: ScheduleLook;
  /** `refs/heads/main` */
  ref: string;
  commit: string;
  files: { file: string; workflow: string; schedules: ScheduleRule[] }[];
  /** Files that nobody can read now: what they said before goes on. */
  broken: BrokenScheduleFile[];
}

export interface ScheduleRule {
  /** Five fields. */
  cron: string;
  timezone: string;
  /** What becomes of ticks that nobody was there for: one run for all of them, or none. */
  missed: 'run-once' | 'skip';
}

export interface ScheduleRecord extends ScheduleRule {
  id: string;
  repositoryId: string;
  file: string;
  /** The workflow's name, as it was when the schedule was read. */
  workflow: string;
  /** By the store's clock. Undefined: none comes any more. */
  nextAt: Date | undefined;
  /** The last one that something was made of. */
  lastTick?: { at: Date; deliveryId: string; runId?: string; runNumber?: number };
  /** How many ticks passed that nobody was there for, without a run in their place. */
  skipped: number;
  /** Its file is broken at this commit, the newest that was read: the schedule is the one from before. */
  staleAtCommit: string | undefined;
}

/** A tick that was taken, and the delivery that will be planned for it. */
export interface TakenTick {
  scheduleId: string;
  at: Date;
  deliveryId: string;
}

/** When workflows start by themselves. Whoever can reach the store takes what is due; one of them gets each tick. */
export interface ScheduleStore {
  /**
   * What the files say takes the place of what is stored. A schedule that stays the same keeps its next tick; a new one
   * has the first after now. `replaced: false`: a newer push was read before, or
   * the look is in other hands, and nothing changes. `stale`: the broken
   * files whose schedules go on as they were.
   */
  replace(source: ScheduleSource): Promise<{ replaced: boolean; stale: string[] }>;
  /** By repository, file, and next tick. */
  list(filter?: { repositoryId?: string }): Promise<ScheduleRecord[]>;
  /**
   * Takes up to `limit` schedules whose tick has come by the store's clock. For each, in one transaction: a delivery with
   * its wake-up, and the next tick. `missed`: ticks that nobody was there for, and that get no run.
   */
  take(limit: number): Promise<{ taken: TakenTick[]; missed: number; skipped: number }>;
  /** How long until the next tick; 0: one is due. Undefined: none comes. */
  nextInMs(): Promise<number | undefined>;
}
