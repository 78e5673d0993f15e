import { setTimeout as delay } from 'node:timers/promises';
import { describeState, type OperatorClient, type RunDetailView } from '@solstice/api';
import { isTerminal } from '@solstice/common/flow';
import type { Command } from 'commander';
import { anotherInput, keyOption, type Runtime, withExamples } from '../command.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { paintState } from '../render/state.js';
import { oneLine } from '../render/text.js';

interface Options {
  ref?: string;
  commit?: string;
  workflow?: string;
  input?: Record<string, string>;
  wait?: boolean;
  key?: string;
}

const pollMs = 500;

export function addTrigger(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('trigger')
      .description('start the workflows of a repository as a push would')
      .argument('<repository>', 'name, or forge:name')
      .option('--ref <ref>', 'branch or full ref; else the default branch')
      .option('--commit <id>', 'this commit of it; else its newest')
      .option('--workflow <name>', 'only this workflow')
      .option('--input <name=value>', 'an input of that workflow; as often as there are inputs', anotherInput)
      .addOption(keyOption())
      .option('--wait', 'until the runs are over; exit code 1 if one did not succeed'),
    [
      '$ ciadm trigger acme/app',
      '$ ciadm trigger acme/app --ref release/2 --workflow nightly --wait',
      '$ ciadm trigger acme/app --workflow deploy --input level=debug --input replicas=3',
      '$ ciadm trigger acme/app --key nightly-2026-07-01',
    ],
  ).action(
    runtime.action<Options>(async (context, [repository = ''], { ref, commit, workflow, input: inputs, wait, key }) => {
      const { output } = context;
      const client = await context.client();
      const answer = await client.trigger({ repository, ref, commit, workflow, inputs, by: context.actor, key });
      if (!context.json) {
        for (const run of answer.runs) await output.line(`run ${run.number}  ${run.url}`);
      }
      const ended: RunDetailView[] = [];
      if (wait) {
        for (const run of answer.runs) ended.push(...(await waitFor(context, client, run.id)));
      }
      if (context.json) {
        await output.json({ ...answer, ...(wait && { ended }) });
      } else if (answer.runs.length === 0) {
        output.note(`No run: ${oneLine(answer.reason ?? 'no workflow matches')}`);
      }
      const bad = answer.runs.length === 0 || ended.some((run) => run.state !== 'succeeded');
      return bad ? exitCodes.failed : undefined;
    }),
  );
}

/** Says each change of the run and its jobs on standard error. Empty: stopped before it was over. */
async function waitFor(context: Context, client: OperatorClient, id: string): Promise<RunDetailView[]> {
  const signal = context.stopped;
  const { output } = context;
  let said = '';
  while (!signal.aborted) {
    const run = await client.run(id);
    const jobs = run.nodes.map((node) => `${oneLine(node.id)} ${describeState(node.state)}`).join(', ');
    const line = `run ${run.number} ${paintState(run.state, output.colours)}: ${jobs}`;
    if (line !== said && !context.json) output.note(line);
    said = line;
    if (isTerminal(run.state)) {
      if (run.causeText !== undefined && !context.json) output.note(oneLine(run.causeText));
      return [run];
    }
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
  return [];
}
