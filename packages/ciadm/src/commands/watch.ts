import { setTimeout as delay } from 'node:timers/promises';
import { describeState, type OperatorClient, type RunDetailView } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import type { Context } from '../context.js';
import { type ExitCode, exitCodes } from '../exit-codes.js';
import { stagesOf } from '../render/graph.js';
import { JobTransitions } from '../render/job-transitions.js';
import { LogPrinter } from '../render/log-printer.js';
import { paintState } from '../render/state.js';
import { oneLine } from '../render/text.js';
import { took } from '../render/time.js';

const pollMs = 200;

export function addWatch(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('watch')
      .description(
        'a run as it happens: its graph, each job as it starts and ends, each line; exit code 1 if it is not green',
      )
      .argument('[run]', 'number or id; else the newest, waiting for one if there is none yet', 'latest'),
    ['$ git push && ciadm watch', '$ ciadm watch 12'],
  ).action(
    runtime.action(async (context, [ref = 'latest']) => {
      const client = await context.client();
      const run = ref === 'latest' ? await newest(context, client) : ref;
      return run === undefined ? undefined : await watch(context, client, run);
    }),
  );
}

/** Undefined: stopped before there was one. */
async function newest(context: Context, client: OperatorClient): Promise<string | undefined> {
  const signal = context.stopped;
  while (!signal.aborted) {
    const [run] = await client.runs({ limit: 1 });
    if (run) return run.id;
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

async function watch(context: Context, client: OperatorClient, ref: string): Promise<ExitCode | undefined> {
  const { output } = context;
  const transitions = new JobTransitions(output);
  let run: RunDetailView | undefined;
  let printer: LogPrinter | undefined;
  for await (const item of client.log(ref, { follow: true, signal: context.stopped })) {
    if (context.json) {
      await output.line(
        JSON.stringify(item.kind === 'log' ? { ...item, data: Buffer.from(item.data).toString('base64') } : item),
      );
    }
    if (item.kind === 'run') {
      if (!run && !context.json) await writeHead(context, item.run);
      run = item.run;
      printer ??= new LogPrinter(output, true);
      printer.update(run);
      if (!context.json) await transitions.update(run, context.io.clock.now());
    } else if (item.kind === 'log' && !context.json) {
      // Its first line may be here before the news that it has started.
      await transitions.hasStarted(item.job);
      await printer?.push(item);
    }
  }
  if (!run || context.stopped.aborted) return undefined;
  if (!context.json) {
    await printer?.end();
    await writeVerdict(context, run);
  }
  return run.state === 'succeeded' ? exitCodes.ok : exitCodes.failed;
}

async function writeHead({ output }: Context, run: RunDetailView): Promise<void> {
  const { colours } = output;
  const { source } = run;
  const title = source.title === undefined ? '' : `  ${oneLine(source.title)}`;
  await output.line(
    `${colours.bold(`run ${run.number}`)}  ${oneLine(run.workflow)}  ${oneLine(source.branch ?? source.ref)} ${source.commit.slice(0, 8)}${colours.dim(title)}`,
  );
  const stages = stagesOf(run.nodes).map((stage) => stage.map(({ id }) => oneLine(id)).join(', '));
  await output.line(`${colours.dim('graph')}  ${stages.join(colours.dim('  →  '))}`);
  await output.line(`${colours.dim('page')}   ${run.url}`);
}

async function writeVerdict({ output, io }: Context, run: RunDetailView): Promise<void> {
  const { colours } = output;
  const why = run.causeText === undefined ? '' : `: ${oneLine(run.causeText)}`;
  const duration = took(run.startedAt ?? run.createdAt, run.endedAt, io.clock.now());
  await output.line(
    `${colours.bold(`run ${run.number}`)}  ${paintState(run.state, colours, describeState(run.state))}${why}  ${colours.dim(duration)}`,
  );
}
