import { SolsticeError } from '../../errors/index.js';
import type { HostRecord, HostState } from '../port/index.js';

/** What an operator wishes of a host. A deadline is an instant, or a time from when the store hears of it. */
export interface HostWish {
  state: HostState;
  by: string;
  reason?: string;
  drainUntil?: Date;
  drainForMs?: number;
}

/** With its deadline as an instant. */
export function wishAt({ drainForMs, ...wish }: HostWish, now: Date): Omit<HostWish, 'drainForMs'> {
  return drainForMs === undefined ? wish : { ...wish, drainUntil: new Date(now.getTime() + drainForMs) };
}

/** Does this wish change anything? Any state may follow any other. Throws `refused` for a wish that means nothing. */
export function isChange(
  host: Pick<HostRecord, 'state' | 'stateChange' | 'drainUntil'>,
  wish: Omit<HostWish, 'drainForMs'>,
): boolean {
  if (wish.drainUntil !== undefined && wish.state !== 'draining') {
    throw new SolsticeError('refused', `only draining has a deadline, not ${wish.state}`);
  }
  return (
    host.state !== wish.state ||
    host.drainUntil?.getTime() !== wish.drainUntil?.getTime() ||
    (wish.reason !== undefined && wish.reason !== host.stateChange?.reason)
  );
}

/** Throws `host-alive` for a host that must not be forgotten yet. */
export function checkRemovable(id: string, host: { alive: boolean; leases: number }): void {
  if (host.alive) {
    throw new SolsticeError('host-alive', `host ${id} is alive: its process renews its lease`);
  }
  if (host.leases > 0) {
    const attempts = host.leases === 1 ? 'an attempt' : `${host.leases} attempts`;
    throw new SolsticeError('host-alive', `host ${id} still holds ${attempts}: the reaper has not taken its work yet`);
  }
}

export function noSuchHost(id: string): SolsticeError {
  return new SolsticeError('not-found', `there is no host ${id}`);
}

/** Says who has a host's name, to somebody with another key. */
export function nameTakenText(holder: Pick<HostRecord, 'id' | 'machine' | 'renewedAt'>): string {
  const where = holder.machine === undefined ? 'elsewhere' : `on ${holder.machine}`;
  return `host ${holder.id} is alive ${where}, with another key (last heard of at ${holder.renewedAt.toISOString()})`;
}
