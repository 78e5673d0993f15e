import type { Count } from '@solstice/api';
import { describeDuration } from '@solstice/common/flow';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';

export function addStatus(program: Command, runtime: Runtime): void {
  withExamples(program.command('status').description('what the server does now: runs, hosts, what waits to be sent'), [
    '$ ciadm status',
    '$ ciadm status --json | jq .runs.queued.count',
  ]).action(
    runtime.action(async (context) => {
      const status = await (await context.client()).status();
      const { output } = context;
      if (context.json) {
        await output.json(status);
        return undefined;
      }
      const { runs, hosts, deliveries } = status;
      const rows: [string, string][] = [
        ['version', `${status.version}, up for ${describeDuration(status.uptimeMs)}`],
        ['address', status.publicUrl],
        ['database', status.store.ok ? 'answers' : `does not answer: ${status.store.reason}`],
        ['runs', `${count(runs.running)} running, ${count(runs.queued)} queued, ${count(runs.blocked)} blocked`],
        ['hosts', `${hosts.alive} of ${hosts.all} alive, ${hosts.slotsReserved} of ${hosts.slots} slots taken`],
        [
          'webhooks',
          `${count(deliveries.received)} waiting, ${count(deliveries.failed)} failed, ${count(deliveries.planned)} planned, ${count(deliveries.ignored)} ignored`,
        ],
        ['statuses', `${count(status.checksPending)} not yet told to a forge`],
        [
          'outbox',
          status.outboxOldestMs === undefined ? 'empty' : `oldest message ${describeDuration(status.outboxOldestMs)}`,
        ],
      ];
      for (const [name, text] of rows) await output.line(`${output.colours.dim(name.padEnd(10))}${text}`);
      return undefined;
    }),
  );
}

function count({ count: number, atLeast }: Count): string {
  return atLeast ? `${number}+` : String(number);
}
