import { sizeText } from '../kdl/index.js';
import type { Capacity, PoolOffer } from '../store/index.js';
import type { HostDescription } from './host-description.js';
import { fullCapacity, offersOf } from './offers.js';

/**
 * For people: what the host has, and what a job of each pool gets, as it will be registered. `otherwise`: what counts
 * where the file says nothing. Ends with a newline.
 *
 * @throws SolsticeError host-file-invalid as `offersOf` does
 */
export function describeHost(host: HostDescription, otherwise: { id: string; capacity: Capacity }): string {
  const capacity = fullCapacity(host, otherwise.capacity);
  const offers = offersOf(host, capacity);
  const aliases = new Map(host.aliases.map(({ name, pool }) => [name, pool]));
  const rows = [
    ['pool', 'backend', 'image', 'a job takes'],
    ...offers.map((offer) => {
      const alias = aliases.get(offer.name);
      return alias === undefined ? rowOf(offer) : [offer.name, `= ${alias}`, '', ''];
    }),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const served = new Set(offers.map(({ name }) => name));
  const notes =
    served.has('default') || served.has('*')
      ? []
      : ['', 'Jobs without runs_on want pool "default", which this host does not serve.'];
  return [
    `host ${host.id ?? otherwise.id}: ${cpusText(capacity.cpus)}, ${sizeText(capacity.memoryBytes)} of memory, ${slotsText(capacity.slots)}`,
    '',
    ...table,
    ...notes,
    '',
  ].join('\n');
}

function rowOf({ name, backend, image, cpus, memoryBytes, trustedOnly }: PoolOffer): string[] {
  const images = backend === 'process' ? '-' : (image ?? 'the job names it');
  const takes = `${cpusText(cpus)}, ${sizeText(memoryBytes)}${trustedOnly ? '; trusted runs only' : ''}`;
  return [name, backend, images, takes];
}

function cpusText(cpus: number): string {
  return cpus === 1 ? '1 cpu' : `${cpus} cpus`;
}

function slotsText(slots: number): string {
  return slots === 1 ? '1 job at a time' : `${slots} jobs at a time`;
}
