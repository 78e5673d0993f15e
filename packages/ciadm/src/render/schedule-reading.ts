import type { ScheduleReadingView } from '@solstice/api';
import { oneLine } from './text.js';
import { relativeTime } from './time.js';

/** `acme/app: main at c0ffee12, read 3 min ago`, and what there was. */
export function readingLine(reading: ScheduleReadingView, now: Date): string {
  const name = oneLine(reading.repository ?? reading.repositoryId);
  const problems = problemsOf(reading, now);
  if (reading.commit !== undefined) {
    return [`${name}: ${whereRead(reading, now)}${whatThere(reading)}`, ...problems].join('; ');
  }
  return `${name}: ${problems.join('; ') || 'its default branch is read soon'}`;
}

function whatThere({ workflows }: ScheduleReadingView): string {
  if (workflows === undefined) return '';
  if (workflows === 0) return ', has no .solstice/*.kdl';
  return `, has ${workflows === 1 ? '1 workflow file' : `${workflows} workflow files`} and no schedule that could be read`;
}

/** What stands between a repository and its schedules, a sentence each; none: all is well. */
export function readingNotes(reading: ScheduleReadingView, now: Date): string[] {
  const name = oneLine(reading.repository ?? reading.repositoryId);
  return problemsOf(reading, now).map((problem) => `${name}: ${problem}`);
}

function whereRead({ ref, commit, readAt }: ScheduleReadingView, now: Date): string {
  const branch = ref === undefined ? 'the default branch' : oneLine(ref.replace(/^refs\/heads\//, ''));
  const when = readAt === undefined ? '' : `, read ${relativeTime(readAt, now)}`;
  return `${branch} at ${commit?.slice(0, 8)}${when}`;
}

function problemsOf({ broken, problem, dueAt }: ScheduleReadingView, now: Date): string[] {
  const again =
    dueAt === undefined ? '' : `; tried again ${new Date(dueAt) <= now ? 'soon' : relativeTime(dueAt, now)}`;
  return [
    ...broken.map((file) => oneLine(file.problem)),
    ...(problem === undefined ? [] : [`the default branch could not be read: ${oneLine(problem)}${again}`]),
  ];
}
