import type { HostView } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import { hostState, leaseAge, memoryOf } from '../render/room.js';
import { paintState } from '../render/state.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';

export function addHosts(program: Command, runtime: Runtime): void {
  withExamples(
    program
      .command('hosts')
      .description('the hosts: their state, what is taken of their room, their load, lease and pools'),
    ['$ ciadm hosts', "$ ciadm hosts --json | jq '.hosts[] | select(.alive | not).id'"],
  ).action(
    runtime.action(async (context) => {
      const { output } = context;
      const { colours } = output;
      const hosts = await (await context.client()).hosts();
      if (context.json) {
        await output.json({ hosts });
        return undefined;
      }
      if (hosts.length === 0) {
        output.note('No host has registered yet.');
        return undefined;
      }
      const columns: Column<HostView>[] = [
        { title: 'HOST', value: (host) => host.id, shrinkTo: 8 },
        {
          title: 'STATE',
          value: hostState,
          paint: (text, host) => paintState(host.alive ? host.state : 'fail', colours, text),
        },
        { title: 'SLOTS', value: ({ reserved, capacity }) => `${reserved.slots}/${capacity.slots}`, align: 'right' },
        { title: 'CPUS', value: ({ reserved, capacity }) => `${reserved.cpus}/${capacity.cpus}`, align: 'right' },
        { title: 'MEMORY', value: memoryOf, align: 'right' },
        { title: 'LOAD', value: ({ load }) => load?.load1.toFixed(2) ?? '', align: 'right' },
        { title: 'LEASE', value: leaseAge, align: 'right' },
        {
          title: 'POOLS',
          value: (host) => host.pools.map((pool) => `${pool.name} (${pool.backend})`).join(', '),
          shrinkTo: 10,
        },
      ];
      for (const line of renderTable(columns, hosts, { width: output.columns, colours })) await output.line(line);
      for (const host of hosts) {
        for (const note of [...stateNotes(host), ...host.notes]) {
          await output.line(colours.dim(`${oneLine(host.id)}: ${oneLine(note)}`));
        }
      }
      return undefined;
    }),
  );
}

function stateNotes({ state, stateChange, drainUntil }: HostView): string[] {
  if (state === 'active' || stateChange === undefined) return [];
  const why = stateChange.reason === undefined ? '' : `: ${stateChange.reason}`;
  const until = drainUntil === undefined ? '' : `, until ${drainUntil}`;
  return [`${state} by ${stateChange.by}${until}${why}`];
}
