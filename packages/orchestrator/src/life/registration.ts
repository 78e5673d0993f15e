import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { unlessAborted } from '@solstice/common/loops';
import { LEASE_MS } from '../hosts/lease-times.js';
import { untilSettled } from '../hosts/settled.js';
import type { Dependencies } from './dependencies.js';

/** This process as the host that the store knows. */
export interface Registration {
  /** Of this process, among all that ever had the host's name. */
  instance: string;
  /** Monotonic, when the registration that succeeded was sent: its lease counts from then. */
  sentMs: number;
}

/** However long the store is away. Rejects with `host-name-taken` while another process has the name. */
export async function register(dependencies: Dependencies): Promise<Registration> {
  const { store, state, host, version, clock, giveUp, logger } = dependencies;
  const { id, capacity, pools, notes } = host;
  const machine = `${hostname()} (pid ${process.pid})`;
  const about = { id, capacity, pools, notes, machine, ...(version === undefined ? {} : { version }) };
  const instance = randomUUID();
  let sentMs = 0;
  const send = () => {
    sentMs = clock.monotonicMs();
    return store.hosts.register({ ...about, keyHash: state.keyHash, instance, leaseMs: LEASE_MS });
  };
  await untilSettled(() => unlessAborted(giveUp, send()), giveUp, logger);
  return { instance, sentMs };
}
