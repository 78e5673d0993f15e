import { Cron } from 'croner';
import { type CronFields, readCron } from './cron.js';
import { ZoneClock } from './zone.js';

/** More than any clock has ever been put back by. */
const lookAheadMs = 26 * 3_600_000;

/**
 * When a schedule comes, by the clocks of a time zone. Whole minutes, in milliseconds since 1970.
 *
 * When clocks are put forward, the ticks of the time that is left out come once, together, right after it. When they are
 * put back, a tick in the time that comes twice comes the first time only. A schedule of every hour (`15 * * * *`) is one
 * of time that passes, and no more is done than that: it goes on through the hour that comes twice, and misses nothing.
 */
export class Schedule {
  private readonly clock: ZoneClock;
  private readonly walls: Cron;
  private readonly everyHour: boolean;

  /** Both have been checked: a schedule that cannot be read is a fault here, a `RangeError`. */
  constructor(cron: string, timezone: string) {
    const read = readCron(cron);
    if ('problem' in read) throw new RangeError(`${JSON.stringify(cron)} is no schedule: ${read.problem.message}`);
    this.clock = new ZoneClock(timezone);
    this.everyHour = read.fields.hours.length === 24;
    // As if the clocks were UTC's, which are never changed: what changes are made of it is said here, and nowhere else.
    this.walls = new Cron(patternOf(read.fields), { timezone: 'UTC', paused: true, mode: '5-part' });
  }

  /** The first tick after this moment. Undefined: none comes. */
  nextTick(after: number): number | undefined {
    return this.everyHour ? this.nextOfEveryHour(after) : this.nextOfSome(after);
  }

  /** All in (after, until], at most `limit`, the first first. */
  ticksBetween(after: number, until: number, limit: number): number[] {
    const ticks: number[] = [];
    let tick = this.nextTick(after);
    while (tick !== undefined && tick <= until && ticks.length < limit) {
      ticks.push(tick);
      tick = this.nextTick(tick);
    }
    return ticks;
  }

  /** The newest in (after, until]; it costs the same however many there are. */
  lastTick(after: number, until: number): number | undefined {
    let [found, before, beyond] = [this.nextTick(after), after, until];
    if (found === undefined || found > until) return undefined;
    while (found < beyond) {
      const middle = Math.max(found, Math.floor((before + beyond) / 2));
      const next = this.nextTick(middle);
      if (next !== undefined && next <= until) [found, before] = [next, next];
      else beyond = middle;
    }
    return found;
  }

  private nextOfSome(after: number): number | undefined {
    // Walls ascend, and so do the moments at which they are first shown or passed over.
    for (let wall = this.nextWall(this.clock.wallAt(after)); wall !== undefined; wall = this.nextWall(wall)) {
      const { at } = this.clock.firstAt(wall);
      if (at > after) return at;
    }
    return undefined;
  }

  private nextOfEveryHour(after: number): number | undefined {
    const change = this.clock.changeIn(after, after + lookAheadMs);
    const first = this.firstShown(after, change ?? Number.POSITIVE_INFINITY);
    // From a moment before the change, at which the clocks show what they do from then on.
    return (
      first ??
      (change === undefined ? undefined : this.firstShown(change - 1, undefined, this.clock.wallAt(change) - 1))
    );
  }

  /** The first moment after this one, and before `end`, at which the clocks show a tick. */
  private firstShown(
    after: number,
    end = Number.POSITIVE_INFINITY,
    from = this.clock.wallAt(after),
  ): number | undefined {
    const offset = from - after;
    for (let wall = this.nextWall(from); wall !== undefined; wall = this.nextWall(wall)) {
      const soon = wall - offset;
      if (soon >= end) return undefined;
      if (this.clock.wallAt(soon) === wall) return soon;
      const { at, skipped } = this.clock.firstAt(wall);
      if (!skipped && at > after) return at < end ? at : undefined;
    }
    return undefined;
  }

  private nextWall(wall: number): number | undefined {
    return this.walls.nextRun(new Date(wall))?.getTime();
  }
}

export function nextTick(cron: string, timezone: string, after: number): number | undefined {
  return new Schedule(cron, timezone).nextTick(after);
}

/** Explicit lists, and `*` for what says nothing: two days that both say something are alternatives, as cron has it. */
function patternOf({ minutes, hours, daysOfMonth, months, daysOfWeek }: CronFields): string {
  const list = (values: readonly number[], all: number) => (values.length === all ? '*' : values.join(','));
  return [list(minutes, 60), list(hours, 24), list(daysOfMonth, 31), list(months, 12), list(daysOfWeek, 7)].join(' ');
}
