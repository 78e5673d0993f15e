/** Five fields, understood: the values of each that fit, ascending. */
export interface CronFields {
  minutes: readonly number[];
  hours: readonly number[];
  daysOfMonth: readonly number[];
  months: readonly number[];
  /** 0 is Sunday. */
  daysOfWeek: readonly number[];
}

/** What is wrong with a schedule: `piece` is the part of the text that it is about. */
export interface CronProblem {
  piece: string;
  message: string;
  hint: string;
}

interface Field {
  key: keyof CronFields;
  title: string;
  from: number;
  to: number;
  names: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const fields: readonly Field[] = [
  { key: 'minutes', title: 'the minute', from: 0, to: 59, names: [] },
  { key: 'hours', title: 'the hour', from: 0, to: 23, names: [] },
  { key: 'daysOfMonth', title: 'the day of the month', from: 1, to: 31, names: [] },
  { key: 'months', title: 'the month', from: 1, to: 12, names: months },
  // Sunday is 0, and 7 too, so that a week may end with it.
  { key: 'daysOfWeek', title: 'the day of the week', from: 0, to: 7, names: days },
];

const order = 'Minute, hour, day of the month, month, day of the week: "0 3 * * mon-fri".';

/** `0 3 * * mon-fri`: names, lists, ranges and steps in five fields. */
export function readCron(text: string): { fields: CronFields } | { problem: CronProblem } {
  const pieces = text.trim().split(/\s+/);
  const problem = (piece: string, message: string, hint = order) => ({ problem: { piece, message, hint } });
  if (text.trim() === '') return problem(text, 'a schedule of nothing');
  if (text.length > 500) return problem(text, 'a schedule has at most 500 characters');
  const shorthand = shorthands[text.trim().toLowerCase()];
  if (shorthand !== undefined) return problem(text.trim(), 'a schedule has five fields', `Write "${shorthand}".`);
  if (pieces.length !== fields.length) {
    const hint =
      pieces.length === 6
        ? `There are no seconds, and no years. ${order}`
        : `A field that may be anything is "*". ${order}`;
    return problem(text.trim(), `a schedule has five fields, and this has ${pieces.length}`, hint);
  }
  const read: Partial<Record<keyof CronFields, readonly number[]>> = {};
  for (const [index, field] of fields.entries()) {
    const values = readField(pieces[index] ?? '', field);
    if ('problem' in values) return values;
    read[field.key] = values.values;
  }
  const all = read as CronFields;
  if (!everComes(all)) {
    return problem(
      `${pieces[2]} ${pieces[3]}`,
      'this never comes: no such month has such a day',
      'Name a day that the month has.',
    );
  }
  return { fields: all };
}

const shorthands: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * sun',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

function readField(text: string, field: Field): { values: readonly number[] } | { problem: CronProblem } {
  const values = new Set<number>();
  for (const piece of text.split(',')) {
    const found = readPiece(piece, field);
    if ('message' in found) return { problem: { piece: piece === '' ? text : piece, ...found } };
    for (let value = found.from; value <= found.to; value += found.step) {
      values.add(field.key === 'daysOfWeek' ? value % 7 : value);
    }
  }
  return { values: [...values].sort((a, b) => a - b) };
}

// `*`, `5`, `1-5`, `mon-fri`, and with a step all of them but a single value: `*/15`.
function readPiece(
  piece: string,
  field: Field,
): { from: number; to: number; step: number } | Omit<CronProblem, 'piece'> {
  const { title, names } = field;
  const said = JSON.stringify(piece);
  const known = `It is ${field.from} to ${field.to}${names.length > 0 ? `, or ${names[0]} to ${names.at(-1)}` : ''}, "*" for any, "1-5", "1,3" or "*/2".`;
  const [, range = '', stepText] = /^([^/]*)(?:\/(.*))?$/s.exec(piece) ?? [];
  const [first = '', last, more] = range.split('-');
  const from = range === '*' ? field.from : fieldValue(first, field);
  // A week from Sunday to Saturday: the 7 is the 0 again.
  const to =
    range === '*' ? (field.key === 'daysOfWeek' ? 6 : field.to) : last === undefined ? from : lastOf(last, from, field);
  if (from === undefined || to === undefined || more !== undefined) {
    return { message: `${said} is not what ${title} can be`, hint: known };
  }
  if (from > to) {
    const rest =
      names.length > 0 ? `${first}-${names.at(-1)},${names[0]}-${last}` : `${first}-${field.to},${field.from}-${last}`;
    return { message: `${said} ends before it begins`, hint: `Write "${rest}".` };
  }
  if (stepText === undefined) return { from, to, step: 1 };
  const step = /^\d{1,2}$/.test(stepText) ? Number(stepText) : 0;
  const size = field.to - field.from + 1;
  if (step < 1 || step >= size) {
    return {
      message: `${said} has no step that ${title} can take`,
      hint: `A step is 1 to ${size - 1}; it begins again with each ${title.split(' ').at(-1) === 'minute' ? 'hour' : 'turn'}.`,
    };
  }
  if (range !== '*' && last === undefined) {
    const meant = `${first}-${names.at(-1) ?? field.to}/${stepText}`;
    return { message: `${said} has a step, but no range`, hint: `Write "${meant}" or "*/${stepText}".` };
  }
  return { from, to, step };
}

function fieldValue(text: string, { from, to, names }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return from + named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : -1;
  return value >= from && value <= to ? value : undefined;
}

/** The end of a range: `sat-sun` ends with the Sunday after. */
function lastOf(text: string, from: number | undefined, field: Field): number | undefined {
  const value = fieldValue(text, field);
  return field.key === 'daysOfWeek' && value === 0 && from !== undefined && from > 0 ? 7 : value;
}

/** Is there a day of the month in one of the months? If days of the week count too, there always is. */
function everComes({ daysOfMonth, months: inMonths, daysOfWeek }: CronFields): boolean {
  if (daysOfWeek.length < 7 && daysOfMonth.length < 31) return true;
  const longest = Math.max(...inMonths.map((month) => (month === 2 ? 29 : [4, 6, 9, 11].includes(month) ? 30 : 31)));
  return (daysOfMonth[0] ?? 32) <= longest;
}
