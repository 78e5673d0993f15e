import { nearestName } from '../errors/index.js';

const hourMs = 3_600_000;

/** More than any clock has ever been changed by at once (a whole day, where the date line was moved). */
const mostChangeMs = 26 * hourMs;

/** Is this a time zone of the IANA's, such as `Europe/Zurich`? If not, the one that was probably meant. */
export function checkTimeZone(name: string): { known: true } | { known: false; nearest?: string } {
  const all = [...Intl.supportedValuesOf('timeZone'), 'UTC'];
  if (all.includes(name)) return { known: true };
  const nearest = all.find((one) => one.toLowerCase() === name.toLowerCase()) ?? nearestName(name, all);
  // Older names, such as Asia/Kolkata was for a while, are not on the list. An offset is no zone: it knows no summer.
  if (nearest?.toLowerCase() !== name.toLowerCase() && /^[A-Z][A-Za-z0-9_+/-]{1,60}$/.test(name) && isUsable(name)) {
    return { known: true };
  }
  // A city is what people know of a zone.
  const city = all.find((one) => one.toLowerCase().endsWith(`/${name.toLowerCase().replaceAll(' ', '_')}`));
  const meant = nearest ?? city;
  return { known: false, ...(meant === undefined ? {} : { nearest: meant }) };
}

function isUsable(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * What the clocks of a time zone show. A "wall" is what they show, as the milliseconds that UTC's would show the same at;
 * everything else is milliseconds since 1970.
 */
export class ZoneClock {
  private readonly format: Intl.DateTimeFormat;

  constructor(timezone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  wallAt(at: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.format.formatToParts(at)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % 1000) + 1000) % 1000);
  }

  /** The first moment at which the clocks show this; or, if they never do, the one at which they pass it over. */
  firstAt(wall: number): { at: number; skipped: boolean } {
    const offsets = [wall - mostChangeMs, wall + mostChangeMs].map((at) => this.wallAt(at) - at);
    const found = offsets.map((offset) => wall - offset).filter((at) => this.wallAt(at) === wall);
    if (found.length > 0) return { at: Math.min(...found), skipped: false };
    const at = this.changeIn(wall - mostChangeMs, wall + mostChangeMs) ?? wall;
    return { at, skipped: true };
  }

  /** The moment in (after, until] from which on they show what they do at its end, if they were changed in it (once). */
  changeIn(after: number, until: number): number | undefined {
    const offset = this.wallAt(after) - after;
    if (this.wallAt(until) - until === offset) return undefined;
    let [before, since] = [after, until];
    while (since - before > 1) {
      const middle = Math.floor((before + since) / 2);
      if (this.wallAt(middle) - middle === offset) before = middle;
      else since = middle;
    }
    return since;
  }
}
