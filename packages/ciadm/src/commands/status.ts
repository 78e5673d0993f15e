import type { Count, StatusView } from '@solstice/api';
import { describeDuration } from '@solstice/common/flow';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import { gibibytes } from '../render/room.js';

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
        ['hosts', hostsText(hosts)],
        ['room', roomText(hosts)],
        [
          'webhooks',
          `${count(deliveries.received)} waiting, ${count(deliveries.failed)} failed, ${count(deliveries.planned)} planned, ${count(deliveries.ignored)} ignored`,
        ],
        ['statuses', `${count(status.checksPending)} not yet told to a forge`],
        [
          'outbox',
          status.outboxOldestMs === undefined ? 'empty' : `oldest message ${describeDuration(status.outboxOldestMs)}`,
        ],
        ...deadText(status.deadLetters),
      ];
      for (const [name, text] of rows) await output.line(`${output.colours.dim(name.padEnd(10))}${text}`);
      return undefined;
    }),
  );
}

function count({ count: number, atLeast }: Count): string {
  return atLeast ? `${number}+` : String(number);
}

function hostsText({ alive, all, draining = 0, cordoned = 0 }: StatusView['hosts']): string {
  const states = [draining > 0 && `${draining} draining`, cordoned > 0 && `${cordoned} cordoned`].filter(
    (text) => text,
  );
  return `${alive} of ${all} alive${states.length === 0 ? '' : ` (${states.join(', ')})`}`;
}

/** Summed over the hosts that are alive. */
function roomText(hosts: StatusView['hosts']): string {
  const parts = [`${hosts.slotsReserved} of ${hosts.slots} slots`];
  if (hosts.cpus !== undefined) parts.push(`${hosts.cpusReserved ?? 0} of ${hosts.cpus} cpus`);
  if (hosts.memoryBytes !== undefined) {
    parts.push(`${gibibytes(hosts.memoryBytesReserved ?? 0)} of ${gibibytes(hosts.memoryBytes)} memory`);
  }
  return `${parts.join(', ')} taken`;
}

function deadText(letters: number | undefined): [string, string][] {
  if (letters === undefined) return [];
  return [['dead', letters === 0 ? 'every message could be read' : `${letters} could not be read (ciadm dead list)`]];
}
