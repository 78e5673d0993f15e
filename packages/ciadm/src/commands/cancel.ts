import { describeState } from '@solstice/api';
import { isTerminal } from '@solstice/common/flow';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';

export function addCancel(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('cancel')
      .description('end a run; exit code 5 if it is over already')
      .argument('<run>', 'number or id')
      .option('--reason <text>', 'shown to whoever asks why'),
    ['$ ciadm cancel 12', '$ ciadm cancel 12 --reason "wrong branch"'],
  ).action(
    runtime.action<{ reason?: string }>(async (context, [ref = ''], { reason }) => {
      const run = await (await context.client()).cancel(ref, { reason, by: context.actor });
      if (context.json) await context.output.json({ run });
      else if (isTerminal(run.state)) await context.output.line(`run ${run.number} ${describeState(run.state)}`);
      else await context.output.line(`run ${run.number} is being cancelled`);
      return undefined;
    }),
  );
}
