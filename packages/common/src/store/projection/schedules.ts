import type { ForgeEvent } from '../../forge/index.js';
import { Schedule } from '../../schedule/index.js';
import {
  type NewDelivery,
  type Repository,
  type ScheduleRecord,
  type ScheduleRule,
  type ScheduleSource,
  TICK_ID_PREFIX,
} from '../port/index.js';

/** A tick that is taken later than this after its time was missed: every process looks far more often. */
export const IN_TIME_MS = 60_000;
/** What has passed is not counted beyond this. */
const MOST_MISSED = 1_000;

/** Milliseconds since 1970. */
export interface DueTick {
  /** The newest that has come. */
  at: number;
  /** Those before it that nobody was there for. */
  earlier: number;
  /** Something is made of it. */
  runs: boolean;
  next: number | undefined;
}

/** What becomes of a schedule whose next tick, `nextAt`, has come by `now`. However many have: one run, or none. */
export function dueTick(rule: ScheduleRule, nextAt: number, now: number): DueTick {
  const schedule = read(rule);
  if (schedule === undefined) return { at: nextAt, earlier: 0, runs: false, next: undefined };
  // Time zones are changed by law: what was stored as a tick counts as one.
  const at = schedule.lastTick(nextAt, now) ?? nextAt;
  const earlier = at === nextAt ? 0 : schedule.ticksBetween(nextAt, at - 1, MOST_MISSED - 1).length + 1;
  return { at, earlier, runs: rule.missed === 'run-once' || now - at <= IN_TIME_MS, next: schedule.nextTick(now) };
}

export function firstTick(rule: ScheduleRule, now: number): Date | undefined {
  const next = read(rule)?.nextTick(now);
  return next === undefined ? undefined : new Date(next);
}

/** Undefined: another version could read it, or knew its time zone. It comes no more until it is read anew. */
function read(rule: ScheduleRule): Schedule | undefined {
  try {
    return new Schedule(rule.cron, rule.timezone);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What a tick puts into the inbox. Its name is that of schedule and tick, so that there is one of it. */
export function tickDelivery(
  schedule: Pick<ScheduleRecord, 'id' | 'file' | 'workflow' | 'cron' | 'timezone'>,
  repository: Repository,
  tick: DueTick,
): NewDelivery {
  const at = new Date(tick.at).toISOString();
  const { file, workflow, cron, timezone } = schedule;
  const event: ForgeEvent = {
    kind: 'forge.schedule.v1',
    repository: {
      forgeRepositoryId: repository.forgeRepositoryId ?? repository.name,
      name: repository.name,
      ...(repository.defaultBranch !== undefined && { defaultBranch: repository.defaultBranch }),
    },
    ...{ file, workflow, cron, timezone, tick: at, missed: tick.earlier },
  };
  return {
    forge: repository.forge,
    forgeDeliveryId: `${TICK_ID_PREFIX}${schedule.id}:${at}`,
    eventName: 'schedule',
    repositoryId: repository.id,
    event,
    reason: undefined,
    twinKey: undefined,
    body: new Uint8Array(),
  };
}

/** What the files say, each schedule once. */
export function rulesOf(source: ScheduleSource): (ScheduleRule & { file: string; workflow: string })[] {
  const rules = source.files.flatMap(({ file, workflow, schedules }) =>
    schedules.map((rule) => ({ ...rule, file, workflow })),
  );
  return [...new Map(rules.map((rule) => [scheduleKey(rule), rule])).values()];
}

/** Two schedules of one repository are the same if they start the same file at the same times. */
export function scheduleKey(schedule: { file: string; cron: string; timezone: string }): string {
  return [schedule.file, schedule.cron, schedule.timezone].join('\0');
}

/** Its schedules may be others than before: somebody has to look. */
export function looksDifferent(before: Repository | undefined, now: Repository): boolean {
  return before === undefined || before.defaultBranch !== now.defaultBranch || before.cloneUrl !== now.cloneUrl;
}
