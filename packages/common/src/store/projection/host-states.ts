import { SolsticeError } from '../../errors/index.js';
import type { HostRecord, HostState } from '../records.js';

export interface HostWish {
  state: HostState;
  by: string;
  reason?: string;
  drainUntil?: Date;
}

/** Does this wish change anything? Any state may follow any other. Throws `refused` for a wish that means nothing. */
export function isChange(host: Pick<HostRecord, 'state' | 'stateChange' | 'drainUntil'>, wish: HostWish): boolean {
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
