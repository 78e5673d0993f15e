import { describeState, type Why } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import type { Output } from '../output.js';
import { paintState } from '../render/state.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';

type Reason = Why['reasons'][number];
type Answer = NonNullable<Reason['hosts']>[number];

export function addWhy(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('why')
      .description('why a run waits, with what each host says to its queued jobs, or why it ended as it did')
      .argument('<run>', 'number or id'),
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
      await writeAnswers(output, why.reasons);
      return undefined;
    }),
  );
}

/** What each host says of the jobs that are queued: one table for all of which they say the same. */
async function writeAnswers(output: Output, reasons: readonly Reason[]): Promise<void> {
  const tables = new Map<string, { subjects: string[]; hosts: Answer[] }>();
  for (const { subject, hosts } of reasons) {
    if (hosts === undefined) continue;
    const key = JSON.stringify(hosts);
    const table = tables.get(key) ?? { subjects: [], hosts };
    table.subjects.push(subject);
    tables.set(key, table);
  }
  const columns: Column<Answer>[] = [
    { title: 'HOST', value: ({ hostId }) => hostId },
    { title: 'ANSWER', value: ({ reason }) => reason },
  ];
  for (const { subjects, hosts } of tables.values()) {
    await output.line();
    await output.line(`What each host says to ${oneLine(subjects.join(', '))}:`);
    for (const line of renderTable(columns, hosts, { width: undefined, colours: output.colours })) {
      await output.line(line);
    }
  }
}
