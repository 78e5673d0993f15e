import { describeDuration } from '@solstice/common/flow';

/** `just now`, `5 min ago`, `3 h ago`, `in 20 s`, `4 d ago`; older than two weeks: the day. */
export function relativeTime(instant: string, now: Date): string {
  const then = new Date(instant);
  const ageMs = now.getTime() - then.getTime();
  if (Math.abs(ageMs) > 14 * 86_400_000) return instant.slice(0, 10);
  const text = coarseDuration(Math.abs(ageMs));
  if (ageMs < 0) return `in ${text}`;
  return ageMs < 2000 ? 'just now' : `${text} ago`;
}

/** `20 s`, `5 min`, `3 h`, `4 d` */
export function coarseDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** How long something took, or has taken until now; empty if it has not begun. */
export function took(start: string | undefined, end: string | undefined, now: Date): string {
  if (start === undefined) return '';
  const from = new Date(start).getTime();
  return describeDuration(Math.max(0, (end === undefined ? now.getTime() : new Date(end).getTime()) - from));
}
