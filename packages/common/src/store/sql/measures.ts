import type { StoreMeasures } from '../port/index.js';
import { ageMs, hostMeasure, poolMeasures } from '../projection/measures.js';
import { readHosts } from './hosts.js';
import { type Queryable, row } from './queryable.js';

/** Of one snapshot. Each statement goes by an index that has only what waits, not all there ever was. */
export async function readMeasures(tx: Queryable, now: Date): Promise<StoreMeasures> {
  // Whoever asks has given up long before.
  await tx.rows(`set local statement_timeout = '5s'`);
  const queued = await tx.rows<{ pool: string; queued: number; oldest_at: Date }>(
    `select pool, count(*) as queued, min(queued_at) as oldest_at from attempts where state = 'queued' group by pool`,
  );
  const hosts = await readHosts(tx, now);
  const leases = await tx.rows<{ host_id: string; held: number }>(
    'select host_id, count(*) as held from leases group by host_id',
  );
  const held = new Map(leases.map((found) => [found.host_id, found.held]));
  const outbox = await row<{ messages: number; oldest_at: Date | null }>(
    tx,
    'select count(*) as messages, min(created_at) as oldest_at from outbox',
  );
  const deliveries = await row<{ due: number; postponed: number; oldest_at: Date | null }>(
    tx,
    `select count(*) filter (where next_try_at is null or next_try_at <= $1) as due,
       count(*) filter (where next_try_at > $1) as postponed, min(received_at) as oldest_at
     from deliveries where state = 'received'`,
    [now],
  );
  const checks = await tx.rows<{ forge: string; pending: number; failing: number }>(
    `select forge, count(*) as pending, count(*) filter (where tries > 0) as failing
     from checks where desired_version > sent_version group by forge order by forge collate "C"`,
  );
  const letters = await row<{ count: number }>(tx, 'select count(*) as count from dead_letters');
  const age = (at: Date | null | undefined): number | undefined => (at ? ageMs(at, now) : undefined);
  return {
    pools: poolMeasures(
      queued.map((found) => ({ pool: found.pool, queued: found.queued, oldestAt: found.oldest_at })),
      hosts,
      now,
    ),
    hosts: hosts.map((host) => hostMeasure(host, held.get(host.id) ?? 0, now)),
    outbox: { messages: outbox?.messages ?? 0, oldestAgeMs: age(outbox?.oldest_at) },
    deliveries: {
      due: deliveries?.due ?? 0,
      postponed: deliveries?.postponed ?? 0,
      oldestAgeMs: age(deliveries?.oldest_at),
    },
    checks: checks.map(({ forge, pending, failing }) => ({ forge, pending, failing })),
    deadLetters: letters?.count ?? 0,
  };
}
