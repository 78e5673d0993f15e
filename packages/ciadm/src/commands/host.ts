import type { HostDetailView, WorkerView } from '@solstice/api';
import type { Command } from 'commander';
import { type Runtime, withExamples } from '../command.js';
import type { Output } from '../output.js';
import { gibibytes, hostState, leaseAge, memoryOf } from '../render/room.js';
import { paintState } from '../render/state.js';
import { type Column, renderTable } from '../render/table.js';
import { oneLine } from '../render/text.js';
import { relativeTime } from '../render/time.js';

export function addHost(program: Command, runtime: Runtime): void {
  const host = program.command('host').description('one host');

  withExamples(
    host
      .command('show', { isDefault: true })
      .description('a host with its room, pools, state, and what runs there (`ciadm host alder` for short)')
      .argument('<host>', 'its id'),
    ['$ ciadm host alder', '$ ciadm host show alder --json | jq ".workers[].run"'],
  ).action(
    runtime.action(async (context, [id = '']) => {
      const found = await (await context.client()).host(id);
      if (context.json) await context.output.json(found);
      else await writeHost(context.output, found, context.io.clock.now());
      return undefined;
    }),
  );

  withExamples(
    host
      .command('remove')
      .description('forget a host that is gone for good; exit code 5 while it is alive or holds work')
      .argument('<host>', 'its id')
      .option('--reason <text>', 'kept in the log of the server'),
    ['$ ciadm host remove alder', '$ ciadm host remove alder --reason "sold"'],
  ).action(
    runtime.action<{ reason?: string }>(async (context, [id = ''], { reason }) => {
      await (await context.client()).removeHost(id, { by: context.actor, reason });
      if (context.json) await context.output.json({ removed: id });
      else await context.output.line(`${oneLine(id)} is forgotten`);
      return undefined;
    }),
  );
}

async function writeHost(output: Output, host: HostDetailView, now: Date): Promise<void> {
  const { colours } = output;
  const shown = paintState(host.alive ? host.state : 'fail', colours, hostState(host));
  await output.line(`${colours.bold(oneLine(host.id))}  ${shown}`);
  for (const [name, text] of rowsOf(host, now)) {
    if (text !== undefined) await output.line(`  ${colours.dim(name.padEnd(8))}${oneLine(text)}`);
  }
  const settings = { width: output.columns, colours };
  const pools: Column<HostDetailView['pools'][number]>[] = [
    { title: 'POOL', value: ({ name }) => name },
    { title: 'BACKEND', value: ({ backend }) => backend },
    { title: 'CPUS', value: ({ cpus }) => String(cpus), align: 'right' },
    { title: 'MEMORY', value: ({ memoryBytes }) => gibibytes(memoryBytes), align: 'right' },
    { title: 'IMAGE', value: ({ image }) => image ?? '', shrinkTo: 12 },
  ];
  await output.line();
  for (const line of renderTable(pools, host.pools, settings)) await output.line(line);
  await output.line();
  if (host.workers.length === 0) {
    await output.line('Nothing runs there.');
    return;
  }
  const workers: Column<WorkerView>[] = [
    { title: 'RUN', value: ({ run }) => (run === undefined ? '' : String(run)), align: 'right' },
    { title: 'JOB', value: ({ job, attemptId }) => job ?? attemptId, shrinkTo: 8 },
    { title: 'ATTEMPT', value: ({ attempt }) => (attempt === undefined ? '' : String(attempt)), align: 'right' },
    {
      title: 'STATE',
      value: ({ live }) => (live ? 'running' : 'over, being taken away'),
      paint: (text, { live }) => paintState(live ? 'running' : 'skipped', colours, text),
    },
    { title: 'POOL', value: ({ pool }) => pool },
    { title: 'WORKER', value: ({ id }) => id, shrinkTo: 8 },
  ];
  for (const line of renderTable(workers, host.workers, settings)) await output.line(line);
}

function rowsOf(host: HostDetailView, now: Date): [string, string | undefined][] {
  const { stateChange: change, drainUntil, load, reserved, capacity } = host;
  const why = change?.reason === undefined ? '' : `: ${change.reason}`;
  return [
    ['state', change && `${host.state} since ${relativeTime(change.at, now)}, by ${change.by}${why}`],
    ['until', drainUntil && `${drainUntil} (${relativeTime(drainUntil, now)}); what runs then is handed back`],
    ['slots', `${reserved.slots} of ${capacity.slots} taken`],
    ['cpus', `${reserved.cpus} of ${capacity.cpus} taken`],
    ['memory', `${memoryOf(host)} taken`],
    [
      'load',
      load &&
        `${load.load1.toFixed(2)}, ${gibibytes(load.memoryFreeBytes)} of memory and ${gibibytes(load.diskFreeBytes)} of disk free`,
    ],
    [
      'lease',
      `renewed ${leaseAge(host) || 'at an unknown time'}, ${host.alive ? 'good until' : 'over since'} ${host.leaseUntil}`,
    ],
    ['version', host.version],
    ['machine', host.machine],
    ['joined', host.registeredAt],
    ...host.notes.map((note): [string, string] => ['note', note]),
  ];
}
