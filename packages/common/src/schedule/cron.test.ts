import { describe, expect, it } from 'vitest';
import { checkTimeZone, readCron } from './index.js';

const fieldsOf = (text: string) => {
  const read = readCron(text);
  return 'fields' in read ? read.fields : read.problem.message;
};
const problemOf = (text: string) => {
  const read = readCron(text);
  return 'problem' in read ? `${read.problem.piece} | ${read.problem.message} | ${read.problem.hint}` : read.fields;
};

describe('five fields', () => {
  it('have lists, ranges, steps and names', () => {
    expect(fieldsOf('0,30 9-12/2 1,15 jan,MAR-may mon-fri')).toEqual({
      minutes: [0, 30],
      hours: [9, 11],
      daysOfMonth: [1, 15],
      months: [1, 3, 4, 5],
      daysOfWeek: [1, 2, 3, 4, 5],
    });
    expect(fieldsOf('  */20   *  * *  0,7 ')).toMatchObject({ minutes: [0, 20, 40], daysOfWeek: [0] });
  });

  it('end a week with the Sunday', () => {
    expect(fieldsOf('0 0 * * fri-sun')).toMatchObject({ daysOfWeek: [0, 5, 6] });
    expect(fieldsOf('0 0 * * 5-7')).toMatchObject({ daysOfWeek: [0, 5, 6] });
    expect(fieldsOf('0 0 * * sun-sat')).toMatchObject({ daysOfWeek: [0, 1, 2, 3, 4, 5, 6] });
    expect(fieldsOf('0 0 * * sun')).toMatchObject({ daysOfWeek: [0] });
    expect(fieldsOf('0 0 * * */2')).toMatchObject({ daysOfWeek: [0, 2, 4, 6] });
  });

  it.each([
    ['60 * * * *', '"60" is not what the minute can be'],
    ['* 24 * * *', '"24" is not what the hour can be'],
    ['* * 0 * *', '"0" is not what the day of the month can be'],
    ['* * * 13 *', '"13" is not what the month can be'],
    ['* * * foo *', '"foo" is not what the month can be'],
    ['* * * * 8', '"8" is not what the day of the week can be'],
    ['* * L * *', '"L" is not what the day of the month can be'],
    ['1--2 * * * *', '"1--2" is not what the minute can be'],
    ['1,,2 * * * *', '"" is not what the minute can be'],
    ['-5 * * * *', '"-5" is not what the minute can be'],
    ['*/0 * * * *', '"*/0" has no step that the minute can take'],
    ['*/90 * * * *', '"*/90" has no step that the minute can take'],
    ['*/ * * * *', '"*/" has no step that the minute can take'],
    ['5/15 * * * *', '"5/15" has a step, but no range'],
    ['* 22-4 * * *', '"22-4" ends before it begins'],
    ['0 3 * *', 'a schedule has five fields, and this has 4'],
    ['0 0 3 * * *', 'a schedule has five fields, and this has 6'],
    ['@daily', 'a schedule has five fields'],
    ['', 'a schedule of nothing'],
    ['0 0 31 2 *', 'this never comes: no such month has such a day'],
    ['0 0 30,31 feb *', 'this never comes: no such month has such a day'],
    ['0 0 31 4,6,9,11 *', 'this never comes: no such month has such a day'],
  ])('%s is refused', (text, message) => expect(fieldsOf(text)).toBe(message));

  it('say what would be right', () => {
    expect(problemOf('* 22-4 * * *')).toContain('Write "22-23,0-4".');
    expect(problemOf('* * * * fri-tue')).toContain('Write "fri-sat,sun-tue".');
    expect(problemOf('5/15 * * * *')).toContain('Write "5-59/15" or "*/15".');
    expect(problemOf('@daily')).toContain('Write "0 0 * * *".');
    expect(problemOf('0 0 31 2 *')).toContain('31 2 |');
  });

  it('may have a day that only some years or weeks have', () => {
    expect(fieldsOf('0 0 29 2 *')).toMatchObject({ daysOfMonth: [29] });
    expect(fieldsOf('0 0 31 2 mon')).toMatchObject({ daysOfWeek: [1] });
  });
});

describe('time zones', () => {
  it.each(['UTC', 'Europe/Zurich', 'America/Argentina/Ushuaia', 'Asia/Kolkata', 'Etc/UTC', 'GMT'])(
    '%s is one',
    (name) => expect(checkTimeZone(name)).toEqual({ known: true }),
  );
  it.each([
    ['Europe/Zurch', 'Europe/Zurich'],
    ['europe/zurich', 'Europe/Zurich'],
    ['utc', 'UTC'],
    ['Zurich', 'Europe/Zurich'],
    ['New York', 'America/New_York'],
  ])('%s is none, but %s is', (name, nearest) => expect(checkTimeZone(name)).toEqual({ known: false, nearest }));
  it.each(['+02:00', 'summer', ''])('%s is none', (name) => expect(checkTimeZone(name).known).toBe(false));
});
