import type { ScheduleView } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import { readingLine, readingNotes } from '../render/schedule-reading.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';
import { relativeTime } from '../render/time.js';

export function addSchedules(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('schedules')
      .description('the workflows that start by themselves: when they come next, and the run of the last time')
      .option('--repository <name>', 'only of this one'),
    ['$ ciadm schedules', "$ ciadm schedules --json | jq '.schedules[] | select(.staleAtCommit) | .file'"],
  ).action(
    runtime.action<{ repository?: string }>(async (context, _args, { repository }) => {
      const { output } = context;
      const { colours } = output;
      const { schedules, readings } = await (await context.client()).schedules({ repository });
      if (context.json) {
        await output.json({ schedules, readings });
        return undefined;
      }
      const now = context.io.clock.now();
      if (schedules.length === 0) {
        output.note('No schedules. They are read from the files of each default branch, at once and with each push.');
        for (const reading of readings) await output.line(readingLine(reading, now));
        return undefined;
      }
      const columns: Column<ScheduleView>[] = [
        { title: 'REPOSITORY', value: (schedule) => schedule.repository ?? schedule.repositoryId, shrinkTo: 10 },
        { title: 'WORKFLOW', value: ({ workflow }) => workflow, shrinkTo: 8 },
        { title: 'CRON', value: ({ cron }) => cron, shrinkTo: 9 },
        { title: 'ZONE', value: ({ timezone }) => timezone, shrinkTo: 6 },
        { title: 'NEXT', value: ({ nextAt }) => (nextAt === undefined ? 'never' : relativeTime(nextAt, now)) },
        { title: 'LAST', value: ({ lastTick }) => (lastTick === undefined ? '' : relativeTime(lastTick.at, now)) },
        { title: 'RUN', value: runOf, align: 'right' },
      ];
      for (const line of renderTable(columns, schedules, { width: output.columns, colours })) await output.line(line);
      for (const schedule of schedules) {
        for (const note of notesOf(schedule)) {
          await output.line(colours.dim(`${oneLine(schedule.workflow)} (${oneLine(schedule.file)}): ${note}`));
        }
      }
      for (const note of readings.flatMap((reading) => readingNotes(reading, now))) {
        await output.line(colours.dim(note));
      }
      return undefined;
    }),
  );
}

/** A tick that made no run, or none yet, is known by its delivery. */
function runOf({ lastTick }: ScheduleView): string {
  if (lastTick === undefined) return '';
  return lastTick.run === undefined ? `webhook ${lastTick.deliveryId}` : String(lastTick.run.number);
}

function notesOf({ staleAtCommit, skipped }: ScheduleView): string[] {
  const ticks = skipped === 1 ? '1 tick' : `${skipped} ticks`;
  return [
    ...(staleAtCommit === undefined ? [] : [`broken at ${staleAtCommit.slice(0, 8)}; goes on as it was before`]),
    ...(skipped === 0 ? [] : [`nobody was there for ${ticks}, which were left out (missed="skip")`]),
  ];
}
