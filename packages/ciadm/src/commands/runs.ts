import type { RunSummaryView } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, wholeNumber, withExamples } from '../command.js';
import type { Output } from '../output.js';
import { paintState } from '../render/state.js';
import { type Column, renderTable } from '../render/table.js';
import { relativeTime, took } from '../render/time.js';

interface Options {
  repository?: string;
  state?: string;
  before?: number;
  waiting?: true;
  limit: number;
}

export function addRuns(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('runs')
      .description('the runs, newest first')
      .option('--repository <name>', 'only of this repository (name, or forge:name)')
      .option('--state <states>', 'only in these states: blocked queued running succeeded failed cancelled superseded')
      .option(
        '--waiting',
        'only those that wait for something that is no host: a gate, a time, a next attempt, their turn',
      )
      .option('--before <number>', 'only older ones than this run', wholeNumber(1))
      .option('--limit <count>', 'at most so many', wholeNumber(1), 20),
    [
      '$ ciadm runs',
      '$ ciadm runs --state "queued running"',
      '$ ciadm runs --waiting',
      '$ ciadm runs --repository acme/app --limit 5 --json',
    ],
  ).action(
    runtime.action<Options>(async (context, _args, { repository, state, before, waiting, limit }) => {
      const { output } = context;
      const runs = await (await context.client()).runs({ repository, state, before, waiting, limit });
      if (context.json) await output.json({ runs });
      else if (runs.length === 0) output.note(waiting ? 'No run waits for anything but a host.' : 'No runs.');
      else if (waiting) await writeWaiting(output, runs);
      else await writeRuns(output, runs, context.io.clock.now());
      return undefined;
    }),
  );
}

/** A line for each thing that is waited for. */
async function writeWaiting(output: Output, runs: RunSummaryView[]): Promise<void> {
  const rows = runs.flatMap((run) => (run.waits ?? []).map((wait) => ({ run, wait })));
  const columns: Column<(typeof rows)[number]>[] = [
    { title: 'RUN', value: ({ run }) => String(run.number), align: 'right' },
    { title: 'WORKFLOW', value: ({ run }) => run.workflow, shrinkTo: 8 },
    { title: 'REPOSITORY', value: ({ run }) => run.source.repository, shrinkTo: 8 },
    { title: 'WHAT', value: ({ wait }) => (wait.nodeId === undefined ? 'run' : wait.nodeId) },
    { title: 'KIND', value: ({ wait }) => wait.kind },
    // Never cut: it is what was asked for.
    { title: 'WAITS FOR', value: ({ wait }) => wait.text },
  ];
  for (const line of renderTable(columns, rows, { width: undefined, colours: output.colours })) await output.line(line);
}

async function writeRuns(output: Output, runs: RunSummaryView[], now: Date): Promise<void> {
  const { colours } = output;
  const columns: Column<RunSummaryView>[] = [
    { title: 'RUN', value: (run) => String(run.number), align: 'right' },
    {
      title: 'STATE',
      value: (run) => run.state.replace('_', ' '),
      paint: (text, run) => paintState(run.state, colours, text),
    },
    { title: 'WORKFLOW', value: (run) => run.workflow, shrinkTo: 8 },
    { title: 'REPOSITORY', value: (run) => run.source.repository, shrinkTo: 8 },
    { title: 'REF', value: (run) => run.source.branch ?? run.source.ref, shrinkTo: 6 },
    { title: 'COMMIT', value: (run) => run.source.commit.slice(0, 8) },
    { title: 'WHEN', value: (run) => relativeTime(run.createdAt, now) },
    { title: 'TOOK', value: (run) => took(run.startedAt, run.endedAt, now), align: 'right' },
    { title: 'TITLE', value: (run) => run.source.title ?? '', shrinkTo: 8 },
  ];
  for (const line of renderTable(columns, runs, { width: output.columns, colours })) await output.line(line);
}
