import type { HostView } from '@solstice/api';
import { coarseDuration } from './time.js';

const gibibyte = 1024 ** 3;

export function gibibytes(bytes: number): string {
  return `${(bytes / gibibyte).toFixed(1)} GiB`;
}

/** `1.5/4.0 GiB` */
export function memoryOf({ reserved, capacity }: Pick<HostView, 'reserved' | 'capacity'>): string {
  return `${(reserved.memoryBytes / gibibyte).toFixed(1)}/${gibibytes(capacity.memoryBytes)}`;
}

/** `gone`: its process does not renew its lease. */
export function hostState(host: Pick<HostView, 'alive' | 'state'>): string {
  return host.alive ? host.state : 'gone';
}

/** How old its lease is; empty where the server does not say. */
export function leaseAge(host: HostView): string {
  return host.leaseAgeMs === undefined ? '' : `${coarseDuration(host.leaseAgeMs)} ago`;
}

/** `1 job`, `2 jobs` */
export function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
