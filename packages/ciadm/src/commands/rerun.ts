import type { Command } from 'commander';
import { Option } from 'commander';
import { keyOption, type Runtime, withExamples } from '../command.js';

interface Options {
  failed?: true;
  job?: string;
  here?: true;
  key?: string;
}

export function addRerun(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('rerun')
      .description('do an ended run again, as it was planned then, as a new run; exit code 5 if there is nothing to do')
      .argument('<run>', 'number or id')
      .option('--failed', 'only what did not succeed, and what depends on it')
      .addOption(
        new Option(
          '--job <id>',
          'only this job, gate, matrix or branch, what depends on it, and what a deadline cut off',
        ).conflicts('failed'),
      )
      .option('--here', 'also a run that was exported, and goes on in another installation')
      .addOption(keyOption()),
    ['$ ciadm rerun 12', '$ ciadm rerun 12 --failed', '$ ciadm rerun 12 --job test'],
  ).action(
    runtime.action<Options>(async (context, [ref = ''], options) => {
      const run = await (await context.client()).rerun(ref, { ...options, by: context.actor });
      if (context.json) {
        await context.output.json({ run });
        return undefined;
      }
      const reused = run.nodes.filter((node) => node.reusedFrom).length;
      const rest = reused === 0 ? '' : `  ${run.nodes.length - reused} of ${run.nodes.length} are done again`;
      await context.output.line(`run ${run.number}  ${run.url}${rest}`);
      return undefined;
    }),
  );
}
