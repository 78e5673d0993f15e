import { type NodeView, nodeFacts, type RunDetailView, runName, type StepView, unbegunStep } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import type { Output } from '../output.js';
import { graphLines } from '../render/graph.js';
import { paintState } from '../render/state.js';
import { oneLine } from '../render/text.js';
import { relativeTime, took } from '../render/time.js';
import { addRunTransfer } from './run-transfer.js';

export function addRun(program: Command, runtime: Runtime): void {
  const run = program.command('run').description('one run');
  withExamples(
    run
      .command('show', { isDefault: true })
      .description(
        'a run with its graph, its jobs, attempts, steps, and why each ended or waits (`ciadm run 12` for short)',
      )
      .argument('<run>', 'number or id'),
    ['$ ciadm run 12', '$ ciadm run show 12 --json | jq ".nodes[].state"'],
  ).action(
    runtime.action(async (context, [ref = '']) => {
      const { output } = context;
      const found = await (await context.client()).run(ref);
      if (context.json) await output.json(found);
      else await writeRun(output, found, context.io.clock.now());
      return undefined;
    }),
  );
  addRunTransfer(run, runtime);
}

async function writeRun(output: Output, run: RunDetailView, now: Date): Promise<void> {
  const { colours } = output;
  const { source } = run;
  const duration = took(run.startedAt, run.endedAt, now);
  const state = paintState(run.state, colours);
  await output.line(
    `${colours.bold(`run ${run.number}`)}  ${state}${duration && `  ${duration}`}  ${oneLine(run.workflow)}`,
  );
  const rows: [string, string | undefined][] = [
    ['why', run.causeText],
    [
      'cancel',
      run.cancelRequested && !run.endedAt
        ? `asked for by ${run.cancelRequested.by}${run.cancelRequested.reason ? `: ${run.cancelRequested.reason}` : ''}`
        : undefined,
    ],
    ['source', `${source.repository} ${source.branch ?? source.ref} ${source.commit}`],
    ['title', source.title],
    ['rerun', run.rerun && rerunText(run.rerun)],
    ['trigger', `${run.trigger.event} by ${run.trigger.actor}, ${relativeTime(run.createdAt, now)}`],
    ['file', fileText(run)],
    ['page', run.url],
  ];
  for (const [name, text] of rows) {
    if (text !== undefined) await output.line(`  ${colours.dim(name.padEnd(8))}${oneLine(text)}`);
  }
  await output.line();
  for (const line of graphLines(run.nodes, colours)) await output.line(line);
  for (const node of run.nodes) await writeNode(output, node, now);
}

/** With as much of its hash as tells its states apart. */
function fileText({ workflowFile, workflowSha256 }: RunDetailView): string {
  return workflowSha256 === undefined ? workflowFile : `${workflowFile} (sha256 ${workflowSha256.slice(0, 12)})`;
}

function rerunText({ of, number, generation, by }: NonNullable<RunDetailView['rerun']>): string {
  const times = generation === 1 ? '' : `, ${generation} times in a row now`;
  return `of ${runName({ runId: of, number })} by ${by}${times}`;
}

async function writeNode(output: Output, node: NodeView, now: Date): Promise<void> {
  const { colours } = output;
  const last = node.attempts.at(-1);
  const duration = took(last?.startedAt, last?.endedAt, now);
  const needs = node.needs.length > 0 ? colours.dim(`  after ${node.needs.map(oneLine).join(', ')}`) : '';
  const kind = node.kind === 'job' ? '' : `${node.kind} `;
  await output.line();
  await output.line(
    `${kind}${colours.bold(oneLine(node.id))}  ${paintState(node.state, colours)}${duration && `  ${duration}`}${needs}`,
  );
  const why = node.causeText ?? node.waitingFor;
  if (why !== undefined) await output.line(`  ${oneLine(why)}`);
  for (const fact of nodeFacts(node)) await output.line(colours.dim(`  ${oneLine(fact)}`));
  for (const attempt of node.attempts.slice(0, -1)) {
    await output.line(
      `  attempt ${attempt.number}  ${paintState(attempt.state, colours)}  ${oneLine(attempt.causeText ?? '')}`,
    );
  }
  if (last) {
    const where = [last.hostId && `host ${last.hostId}`, `pool ${last.pool}`, node.image && `image ${node.image}`];
    await output.line(colours.dim(`  attempt ${last.number}  ${oneLine(where.filter((text) => text).join(', '))}`));
  }
  for (const [index, name] of node.stepNames.entries()) {
    await output.line(
      `  ${stepLine(
        output,
        index,
        name,
        last?.steps.find((step) => step.index === index),
        unbegunStep(node),
        now,
      )}`,
    );
  }
}

function stepLine(
  output: Output,
  index: number,
  name: string,
  step: StepView | undefined,
  unbegun: string,
  now: Date,
): string {
  const { colours } = output;
  const exit = step?.exitCode ? `exit ${step.exitCode}` : (step?.signal ?? '');
  const state = step?.state ?? unbegun;
  const duration = took(step?.startedAt, step?.endedAt, now);
  const tail = [exit, duration].filter((text) => text).join('  ');
  return `${String(index + 1).padStart(3)}. ${paintState(state, colours, state.replace('_', ' ').padEnd(9))}  ${oneLine(name)}${tail && `  ${colours.dim(tail)}`}`;
}
