import type { Capacity, HostLoad, HostRecord, HostState, PoolOffer } from '../port/index.js';
import { sumReserved } from '../projection/index.js';
import { json, type Queryable, row } from './queryable.js';

export interface HostRow {
  id: string;
  key_hash: Buffer;
  instance: string;
  state: HostState;
  cpus: number;
  memory_bytes: number;
  slots: number;
  pools: PoolOffer[];
  notes: string[];
  renewals: number;
  lease_until: Date;
  registered_at: Date;
  state_by: string | null;
  state_reason: string | null;
  state_at: Date | null;
  drain_until: Date | null;
  load: HostLoad | null;
  renewed_at: Date | null;
  version: string | null;
  machine: string | null;
}

const columns = `h.id, h.key_hash, h.instance, h.state, h.cpus, h.memory_bytes, h.slots, h.pools, h.notes, h.renewals,
  h.lease_until, h.registered_at, h.state_by, h.state_reason, h.state_at, h.drain_until, h.load, h.renewed_at,
  h.version, h.machine`;

export async function lockHost(tx: Queryable, id: string): Promise<HostRow | undefined> {
  return await row<HostRow>(tx, `select ${columns} from hosts h where h.id = $1 for no key update`, [id]);
}

/** By id, with what each has given away. */
export async function readHosts(db: Queryable, now: Date): Promise<HostRecord[]> {
  const hosts = await db.rows<HostRow>(`select ${columns} from hosts h order by h.id collate "C"`);
  const workers = await db.rows<{ host_id: string; cpus: number; memory_bytes: number }>(
    'select host_id, cpus, memory_bytes from workers order by id',
  );
  return hosts.map((found) => ({
    id: found.id,
    instance: found.instance,
    ...hostState(found),
    ...hostOffer(found),
    reserved: sumReserved(
      workers
        .filter((worker) => worker.host_id === found.id)
        .map((worker) => ({ cpus: worker.cpus, memoryBytes: worker.memory_bytes })),
    ),
    notes: found.notes,
    ...(found.load !== null && { load: found.load }),
    leaseUntil: found.lease_until,
    // Null: it was registered by code that did not know the column.
    renewedAt: found.renewed_at ?? found.registered_at,
    renewalAgeMs: Math.max(0, now.getTime() - (found.renewed_at ?? found.registered_at).getTime()),
    alive: found.lease_until > now,
    registeredAt: found.registered_at,
    ...(found.version !== null && { version: found.version }),
    ...(found.machine !== null && { machine: found.machine }),
  }));
}

export function hostState(found: HostRow): Pick<HostRecord, 'state' | 'stateChange' | 'drainUntil'> {
  const { state, state_by: by, state_reason: reason, state_at: at, drain_until: drainUntil } = found;
  return {
    state,
    ...(by !== null && at !== null && { stateChange: { by, ...(reason !== null && { reason }), at } }),
    ...(drainUntil !== null && { drainUntil }),
  };
}

export function hostOffer(found: HostRow): { capacity: Capacity; pools: PoolOffer[] } {
  return {
    capacity: { cpus: found.cpus, memoryBytes: found.memory_bytes, slots: found.slots },
    pools: found.pools.map(offerOf),
  };
}

export function offerOf(offer: PoolOffer): PoolOffer {
  return { ...offer, image: offer.image };
}

export interface HostChange {
  id: string;
  keyHash: Uint8Array;
  instance: string;
  capacity: Capacity;
  pools: PoolOffer[];
  notes: string[];
  leaseUntil: Date;
  version?: string;
  machine?: string;
}

/** False: there is one already. */
export async function insertHost(tx: Queryable, host: HostChange, now: Date): Promise<boolean> {
  const inserted = await tx.rows(
    `insert into hosts (id, key_hash, instance, state, cpus, memory_bytes, slots, pools, notes, renewals, lease_until,
       registered_at, renewed_at, version, machine)
     values ($1, $2, $3, 'active', $4, $5, $6, $7, $8, 1, $9, $10, $10, $11, $12)
     on conflict do nothing returning id`,
    [
      host.id,
      Buffer.from(host.keyHash),
      host.instance,
      host.capacity.cpus,
      host.capacity.memoryBytes,
      host.capacity.slots,
      json(host.pools),
      host.notes,
      host.leaseUntil,
      now,
      host.version,
      host.machine,
    ],
  );
  return inserted.length === 1;
}

export async function replaceHost(tx: Queryable, host: HostChange, now: Date): Promise<void> {
  await tx.rows(
    `update hosts set key_hash = $2, instance = $3, cpus = $4, memory_bytes = $5, slots = $6, pools = $7, notes = $8,
       lease_until = $9, renewed_at = $10, version = $11, machine = $12, renewals = renewals + 1
     where id = $1`,
    [
      host.id,
      Buffer.from(host.keyHash),
      host.instance,
      host.capacity.cpus,
      host.capacity.memoryBytes,
      host.capacity.slots,
      json(host.pools),
      host.notes,
      host.leaseUntil,
      now,
      host.version,
      host.machine,
    ],
  );
}

export async function updateOffer(
  tx: Queryable,
  id: string,
  offer: { capacity: Capacity; pools: PoolOffer[] },
): Promise<void> {
  const { cpus, memoryBytes, slots } = offer.capacity;
  await tx.rows('update hosts set cpus = $2, memory_bytes = $3, slots = $4, pools = $5 where id = $1', [
    id,
    cpus,
    memoryBytes,
    slots,
    json(offer.pools),
  ]);
}

/** Compare-and-set on the instance. Undefined: the host is another process's. */
export async function renewHost(
  tx: Queryable,
  host: { id: string; instance: string; notes: string[]; load?: HostLoad; leaseUntil: Date },
  now: Date,
): Promise<HostRow | undefined> {
  return await row<HostRow>(
    tx,
    `update hosts h set lease_until = $3, notes = $4, load = coalesce($5::json, h.load), renewed_at = $6,
       renewals = renewals + 1
     where h.id = $1 and h.instance = $2 returning ${columns}`,
    [host.id, host.instance, host.leaseUntil, host.notes, json(host.load), now],
  );
}

export async function updateState(
  tx: Queryable,
  id: string,
  change: { state: HostState; by: string; reason?: string; drainUntil?: Date },
  now: Date,
): Promise<void> {
  await tx.rows(
    `update hosts set state = $2, state_by = $3, state_reason = $4, drain_until = $5, state_at = $6 where id = $1`,
    [id, change.state, change.by, change.reason, change.drainUntil, now],
  );
}

export async function deleteHost(tx: Queryable, id: string): Promise<void> {
  await tx.rows('delete from hosts where id = $1', [id]);
}

export async function endHostLease(db: Queryable, id: string, instance: string, now: Date): Promise<void> {
  await db.rows('update hosts set lease_until = $3 where id = $1 and instance = $2', [id, instance, now]);
}

export async function readRenewals(
  db: Queryable,
): Promise<{ id: string; instance: string; renewals: number; hasLeases: boolean; session: string }[]> {
  // A process number alone may be the same again after the server's restart.
  const rows = await db.rows<{
    id: string;
    instance: string;
    renewals: number;
    has_leases: boolean;
    session: string;
  }>(
    `select h.id, h.instance, h.renewals, exists (select from leases l where l.host_id = h.id) as has_leases,
       (select concat_ws(' ', a.pid, a.backend_start) from pg_stat_activity a where a.pid = pg_backend_pid()) as session
     from hosts h order by h.id`,
  );
  return rows.map((found) => ({
    id: found.id,
    instance: found.instance,
    renewals: found.renewals,
    hasLeases: found.has_leases,
    session: found.session,
  }));
}
