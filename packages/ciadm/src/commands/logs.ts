import type { RunDetailView } from '@solstice/api';
import { describeState } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, wholeNumber, withExamples } from '../command.js';
import type { Context } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { LogPrinter } from '../render/log-printer.js';
import { oneLine } from '../render/text.js';

interface Options {
  job?: string;
  step?: number;
  attempt?: number;
  follow?: boolean;
  raw?: boolean;
}

export function addLogs(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('logs')
      .description('what the steps of a run printed')
      .argument('<run>', 'number or id')
      .option('--job <id>', 'only this job')
      .option('--step <number>', 'only this step, counted from 1', wholeNumber(1))
      .option('--attempt <number>', 'this attempt; else the newest of each job', wholeNumber(1))
      .option('-f, --follow', 'go on until it is over; exit code 1 if it did not succeed')
      .option('--raw', 'exactly the bytes that went to standard output and error, nothing else'),
    [
      '$ ciadm logs 12                  step headings; ! marks standard error, * lines of Solstice itself',
      '$ ciadm logs 12 -f',
      '$ ciadm logs 12 --job build --step 2 --raw > build.log',
      '$ ciadm logs 12 --json           one JSON object a line, bytes as base64',
    ],
  ).action(
    runtime.action<Options>(async (context, [run = ''], options) => {
      const { job, attempt, follow = false } = options;
      const step = options.step === undefined ? undefined : options.step - 1;
      if (options.raw && !follow) {
        const pieces = (await context.client()).printed(run, { job, step, attempt, signal: context.stopped });
        for await (const piece of pieces) await context.output.write(piece);
        return undefined;
      }
      return await followLog(context, run, { job, step, attempt, follow, raw: options.raw === true });
    }),
  );
}

async function followLog(
  context: Context,
  ref: string,
  request: {
    job: string | undefined;
    step: number | undefined;
    attempt: number | undefined;
    follow: boolean;
    raw: boolean;
  },
): Promise<ExitCode | undefined> {
  const { output } = context;
  const { raw, ...selection } = request;
  let run: RunDetailView | undefined;
  let printer: LogPrinter | undefined;
  for await (const item of (await context.client()).log(ref, { ...selection, signal: context.stopped })) {
    if (item.kind === 'run') {
      run = item.run;
      printer ??= new LogPrinter(output, request.job === undefined && run.nodes.length > 1);
      printer.update(run);
    }
    if (raw) {
      if (item.kind === 'log' && item.stream !== 'system') await output.write(item.data);
    } else if (context.json) {
      const data = item.kind === 'log' ? { ...item, data: Buffer.from(item.data).toString('base64') } : item;
      await output.line(JSON.stringify(data));
    } else if (item.kind === 'log') {
      await printer?.push(item);
    }
  }
  await printer?.end();
  if (!request.follow || !run || context.stopped.aborted) return undefined;
  const node = run.nodes.find((candidate) => candidate.id === request.job);
  const { state, causeText } = node ?? run;
  const what = node ? `job ${node.id} of run ${run.number}` : `run ${run.number}`;
  output.note(oneLine(`${what} ${describeState(state)}${causeText === undefined ? '' : `: ${causeText}`}`));
  return state === 'succeeded' || state === 'skipped' ? exitCodes.ok : exitCodes.failed;
}
