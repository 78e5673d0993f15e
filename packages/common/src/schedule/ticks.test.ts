import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextTick, Schedule } from './index.js';

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

/** The ticks of a day and more, `2024-03-31T01:00Z` each. */
function ticks(cron: string, timezone: string, from: string, count: number): string[] {
  const found: string[] = [];
  let at: number | undefined = Date.parse(from);
  while (found.length < count) {
    at = nextTick(cron, timezone, at);
    if (at === undefined) return [...found, 'none'];
    found.push(`${new Date(at).toISOString().slice(0, 16)}Z`);
  }
  return found;
}

describe('when clocks are put forward', () => {
  it('a tick in the time that is left out comes right after it, and only once', () => {
    expect(ticks('30 2 * * *', 'Europe/Zurich', '2024-03-30T00:00Z', 3)).toEqual([
      '2024-03-30T01:30Z',
      '2024-03-31T01:00Z',
      '2024-04-01T00:30Z',
    ]);
    expect(ticks('*/20 2 * * *', 'Europe/Zurich', '2024-03-30T01:40Z', 2)).toEqual([
      '2024-03-31T01:00Z',
      '2024-04-01T00:00Z',
    ]);
  });

  it('falls together with a tick that comes then anyway', () => {
    expect(ticks('0 2,3 * * *', 'Europe/Zurich', '2024-03-31T00:00Z', 2)).toEqual([
      '2024-03-31T01:00Z',
      '2024-04-01T00:00Z',
    ]);
  });

  it('a schedule of every hour misses none, and gets no other', () => {
    expect(ticks('30 * * * *', 'Europe/Zurich', '2024-03-31T00:00Z', 3)).toEqual([
      '2024-03-31T00:30Z',
      '2024-03-31T01:30Z',
      '2024-03-31T02:30Z',
    ]);
  });

  it('a schedule of every hour of a day that begins without its first hour begins with the next, seen from afar too', () => {
    expect(ticks('30 * 8 9 *', 'America/Santiago', '2024-08-01T00:00Z', 2)).toEqual([
      '2024-09-08T04:30Z',
      '2024-09-08T05:30Z',
    ]);
  });

  it('at midnight, by half an hour, and by a whole day too', () => {
    expect(ticks('0 0 * * *', 'America/Santiago', '2024-09-07T12:00Z', 2)).toEqual([
      '2024-09-08T04:00Z',
      '2024-09-09T03:00Z',
    ]);
    expect(ticks('15 2 * * *', 'Australia/Lord_Howe', '2024-10-05T00:00Z', 2)).toEqual([
      '2024-10-05T15:30Z',
      '2024-10-06T15:15Z',
    ]);
    expect(ticks('0 12 30 12 *', 'Pacific/Apia', '2011-12-01T00:00Z', 2)).toEqual([
      '2011-12-30T10:00Z',
      '2012-12-29T22:00Z',
    ]);
  });
});

describe('when clocks are put back', () => {
  it('a tick in the time that comes twice comes the first time', () => {
    expect(ticks('30 2 * * *', 'Europe/Zurich', '2024-10-26T12:00Z', 2)).toEqual([
      '2024-10-27T00:30Z',
      '2024-10-28T01:30Z',
    ]);
    expect(nextTick('30 2 * * *', 'Europe/Zurich', Date.parse('2024-10-27T01:00Z'))).toBe(
      Date.parse('2024-10-28T01:30Z'),
    );
  });

  it('a schedule of every hour goes on through it', () => {
    expect(ticks('30 * * * *', 'Europe/Zurich', '2024-10-27T00:00Z', 3)).toEqual([
      '2024-10-27T00:30Z',
      '2024-10-27T01:30Z',
      '2024-10-27T02:30Z',
    ]);
    expect(ticks('0 * 27 10 *', 'Europe/Zurich', '2024-10-27T00:30Z', 2)).toEqual([
      '2024-10-27T01:00Z',
      '2024-10-27T02:00Z',
    ]);
  });
});

describe('days', () => {
  it('of the month and of the week are alternatives where both are said', () => {
    expect(ticks('0 0 13 * fri', 'UTC', '2024-09-01T00:00Z', 4)).toEqual([
      '2024-09-06T00:00Z',
      '2024-09-13T00:00Z',
      '2024-09-20T00:00Z',
      '2024-09-27T00:00Z',
    ]);
  });

  it('that are rare come', () => {
    expect(ticks('0 0 29 2 *', 'UTC', '2096-03-01T00:00Z', 1)).toEqual(['2104-02-29T00:00Z']);
  });
});

it('tells all of a time, up to a limit, and the newest of them', () => {
  const schedule = new Schedule('0 3 * * *', 'Europe/Zurich');
  const [after, until] = [Date.parse('2024-03-29T02:00Z'), Date.parse('2024-04-01T01:00Z')];
  const all = schedule.ticksBetween(after, until, 10).map((at) => new Date(at).toISOString());
  expect(all).toEqual(['2024-03-30T02:00:00.000Z', '2024-03-31T01:00:00.000Z', '2024-04-01T01:00:00.000Z']);
  expect(schedule.ticksBetween(after, until, 2)).toHaveLength(2);
  expect(schedule.lastTick(after, until)).toBe(until);
  expect(schedule.lastTick(after, until - 1)).toBe(Date.parse('2024-03-31T01:00Z'));
  expect(schedule.lastTick(until, until + 60_000)).toBeUndefined();
});

it('finds the newest of a year of minutes without going through them', () => {
  const until = Date.parse('2025-01-01T00:00Z');
  expect(new Schedule('* 9-17 * * mon-fri', 'UTC').lastTick(until - 366 * dayMs, until)).toBe(
    Date.parse('2024-12-31T17:59Z'),
  );
});

describe('by counting every minute', () => {
  /** What the clocks show, by another way than the product's. */
  const shown = (timezone: string) => {
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' });
    return (at: number) => Date.parse(`${format.format(at).replace(' ', 'T')}Z`);
  };

  /** Minute after minute: what is shown, what was passed over since the last one, what was shown before. */
  function slowTicks(
    fits: (wall: number) => boolean,
    everyHour: boolean,
    timezone: string,
    from: number,
    until: number,
  ) {
    const wallOf = shown(timezone);
    const found: number[] = [];
    // Begins before, since what comes twice is known by the first time.
    let newest = wallOf(from - 2 * dayMs);
    for (let at = from - 2 * dayMs + minuteMs; at <= until; at += minuteMs) {
      const wall = wallOf(at);
      const passed: number[] = [];
      for (let between = newest + minuteMs; between < wall; between += minuteMs) passed.push(between);
      const isNew = wall > newest;
      const comes = everyHour ? fits(wall) : (isNew && fits(wall)) || passed.some(fits);
      if (comes && at > from) found.push(at);
      newest = Math.max(newest, wall);
    }
    return found;
  }

  const values = (from: number, to: number) =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(undefined) },
      { weight: 5, arbitrary: fc.uniqueArray(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: 4 }) },
    );
  const schedule = fc.record({
    minutes: values(0, 59),
    // The hours in which clocks are changed, mostly.
    hours: fc.oneof(values(0, 4), values(0, 23)),
    days: values(1, 31),
    weekdays: values(0, 6),
  });
  const zones = [
    ...['Europe/Zurich', 'Europe/London', 'America/New_York', 'America/Santiago', 'Australia/Lord_Howe'],
    ...['Asia/Tehran', 'Africa/Casablanca', 'Antarctica/Troll', 'America/Havana', 'Asia/Kathmandu', 'UTC'],
  ];
  /** Days on which one of these zones changes its clocks, and any others. */
  const changes = [
    '2024-03-31',
    '2024-10-27',
    '2024-03-10',
    '2024-11-03',
    '2024-09-08',
    '2024-04-07',
    '2024-10-06',
  ].map((day) => Date.parse(`${day}T00:00Z`));
  const days = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...changes) },
    fc.integer({ min: 10_000, max: 24_000 }).map((day) => day * dayMs),
    // Ramadan, Samoa.
    fc.constantFrom(Date.parse('2024-03-10T00:00Z'), Date.parse('2024-04-14T00:00Z')),
  );

  it('they are the same', () => {
    fc.assert(
      fc.property(
        schedule,
        fc.constantFrom(...zones),
        days,
        fc.integer({ min: -1500, max: 600 }),
        (one, zone, day, shift) => {
          const has = (list: number[] | undefined, value: number) => list === undefined || list.includes(value);
          const fits = (wall: number) => {
            const date = new Date(wall);
            const [ofMonth, ofWeek] = [has(one.days, date.getUTCDate()), has(one.weekdays, date.getUTCDay())];
            const either = one.days !== undefined && one.weekdays !== undefined;
            return (
              has(one.minutes, date.getUTCMinutes()) &&
              has(one.hours, date.getUTCHours()) &&
              (either ? ofMonth || ofWeek : ofMonth && ofWeek)
            );
          };
          const from = day + shift * minuteMs;
          const until = from + 1.5 * dayMs;
          const text = (list: number[] | undefined) => list?.join(',') ?? '*';
          const cron = `${text(one.minutes)} ${text(one.hours)} ${text(one.days)} * ${text(one.weekdays)}`;
          const expected = slowTicks(fits, one.hours === undefined, zone, from, until);
          const product = new Schedule(cron, zone);
          expect(product.ticksBetween(from, until, 10_000), `${cron} in ${zone}`).toEqual(expected);
          expect(product.lastTick(from, until)).toBe(expected.at(-1));
        },
      ),
      { numRuns: 60 },
    );
  });
});
