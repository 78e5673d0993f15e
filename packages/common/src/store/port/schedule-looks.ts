import type { Repository } from './repositories.js';

/** A look at a default branch that is in the caller's hands. */
export interface ScheduleLook {
  repository: Repository;
  /** Where it stands in the inbox: it is newer than what was there when it was taken. Also its name: another look has another. */
  place: number;
  /** How often before it came to nothing. */
  tries: number;
}

/** A workflow file that nobody can read. */
export interface BrokenScheduleFile {
  file: string;
  /** The first of what is wrong, with its place. */
  problem: string;
}

/** From what a repository's schedules were read, and whether somebody still has to look. */
export interface ScheduleReading {
  repositoryId: string;
  /** Absent: they were never read. */
  source?: {
    commit: string;
    /** These are unknown where a version read them that did not keep them. */
    ref?: string;
    readAt?: Date;
    /** How many workflow files there were, broken ones among them. */
    workflows?: number;
    broken: BrokenScheduleFile[];
  };
  /** When it is looked at, at the latest (again). Absent: there is no need to. */
  dueAt?: Date;
  /** Somebody is about it now. */
  looking: boolean;
  tries: number;
  /** What the last look met: why it is done again, or what there was instead of a branch. */
  problem?: string;
  /** When the last look ended, well or not. */
  lookedAt?: Date;
}

/**
 * Repositories whose default branch somebody has to look at, because no push says when their workflows start by
 * themselves: new ones, those that were changed, and those that were here before looks were. Whoever talks to forges takes
 * them; each is in one pair of hands at a time, until its time is over. What was read goes to `schedules.replace`.
 */
export interface ScheduleLookStore {
  /** It is looked at anew, from the beginning; a look that is under way counts no more. Nothing for one that is not there. */
  ask(repositoryId: string): Promise<void>;
  /** One that is due, the longest first, of none of these forges; nobody else gets it for `holdMs`. Undefined: none is. */
  take(request: { exceptForges: readonly string[]; holdMs: number }): Promise<ScheduleLook | undefined>;
  /** There was nothing to read, and `problem` says what there was instead. False: it is not in your hands (any more). */
  end(look: ScheduleLook, problem: string): Promise<boolean>;
  /** It came to nothing: again after `againInMs`. Without a reason it was broken off, which counts for nothing. False: as for `end`. */
  postpone(look: ScheduleLook, reason: string | undefined, againInMs: number): Promise<boolean>;
  /** Of every repository, by forge and name. */
  readings(filter?: { repositoryId?: string }): Promise<ScheduleReading[]>;
}
