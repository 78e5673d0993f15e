import { describeState } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import { paintState } from '../render/state.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';

type Reason = { subject: string; state: string; text: string };

export function addWhy(program: Command, runtime: Runtime): void {
  withExamples(
    program.command('why').description('why a run waits, or why it ended as it did').argument('<run>', 'number or id'),
    ['$ ciadm why 12', '$ ciadm why 12 --json'],
  ).action(
    runtime.action(async (context, [ref = '']) => {
      const { output } = context;
      const why = await (await context.client()).why(ref);
      if (context.json) {
        await output.json(why);
        return undefined;
      }
      await output.line(oneLine(why.summary));
      const columns: Column<Reason>[] = [
        { title: 'WHAT', value: (reason) => reason.subject },
        {
          title: 'STATE',
          value: (reason) => describeState(reason.state),
          paint: (text, reason) => paintState(reason.state, output.colours, text),
        },
        // Never cut: it is what was asked for.
        { title: 'WHY', value: (reason) => reason.text },
      ];
      if (why.reasons.length === 0) return undefined;
      for (const line of renderTable(columns, why.reasons, { width: undefined, colours: output.colours })) {
        await output.line(line);
      }
      return undefined;
    }),
  );
}
