import type { HostView } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import { paintState } from '../render/state.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';

const gibibyte = 1024 ** 3;

export function addHosts(program: Command, runtime: Runtime): void {
  withExamples(program.command('hosts').description('the hosts, their room and their pools'), [
    '$ ciadm hosts',
    '$ ciadm hosts --json',
  ]).action(
    runtime.action(async (context) => {
      const { output } = context;
      const { colours } = output;
      const hosts = await (await context.client()).hosts();
      if (context.json) {
        await output.json({ hosts });
        return undefined;
      }
      if (hosts.length === 0) output.note('No host has registered yet.');
      const columns: Column<HostView>[] = [
        { title: 'HOST', value: (host) => host.id, shrinkTo: 8 },
        {
          title: 'STATE',
          value: (host) => (host.alive ? host.state : 'gone'),
          paint: (text, host) => paintState(host.alive ? host.state : 'fail', colours, text),
        },
        { title: 'SLOTS', value: ({ reserved, capacity }) => `${reserved.slots}/${capacity.slots}`, align: 'right' },
        { title: 'CPUS', value: ({ reserved, capacity }) => `${reserved.cpus}/${capacity.cpus}`, align: 'right' },
        {
          title: 'MEMORY',
          value: ({ reserved, capacity }) =>
            `${(reserved.memoryBytes / gibibyte).toFixed(1)}/${(capacity.memoryBytes / gibibyte).toFixed(1)} GiB`,
          align: 'right',
        },
        {
          title: 'POOLS',
          value: (host) => host.pools.map((pool) => `${pool.name} (${pool.backend})`).join(', '),
          shrinkTo: 10,
        },
      ];
      if (hosts.length > 0) {
        for (const line of renderTable(columns, hosts, { width: output.columns, colours })) await output.line(line);
      }
      for (const host of hosts) {
        for (const note of host.notes) await output.line(colours.dim(`${oneLine(host.id)}: ${oneLine(note)}`));
      }
      return undefined;
    }),
  );
}
