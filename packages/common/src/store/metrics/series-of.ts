import type { DatabaseGauge, Series } from '../../telemetry/index.js';
import type { HostMeasure, PoolMeasure, StoreMeasures } from '../port/index.js';

/** A workflow may ask for any pool it likes: those that nobody serves are told by name up to here. */
const mostUnservedPools = 100;

/** What is measured, as gauges. */
export function seriesOf(measures: StoreMeasures): { [Name in DatabaseGauge]: Series<Name>[] } {
  const pools = boundedPools(measures.pools);
  const seconds = (ms: number | undefined): number => (ms ?? 0) / 1_000;
  const ofPools = (value: (pool: PoolMeasure) => number) =>
    pools.map((one) => ({ labels: { pool: one.pool }, value: value(one) }));
  const ofHosts = (value: (host: HostMeasure) => number) =>
    measures.hosts.map((one) => ({ labels: { host: one.id }, value: value(one) }));
  const only = (value: number) => [{ labels: {}, value }];
  const { outbox, deliveries, checks } = measures;
  return {
    solstice_queued_attempts: ofPools(({ queued }) => queued),
    solstice_queued_attempts_oldest_age_seconds: ofPools(({ oldestAgeMs }) => seconds(oldestAgeMs)),
    solstice_pool_live_hosts: ofPools(({ liveHosts }) => liveHosts),
    solstice_host_lease_age_seconds: ofHosts(({ renewalAgeMs }) => seconds(renewalAgeMs)),
    solstice_host_live: ofHosts(({ alive }) => (alive ? 1 : 0)),
    solstice_host_state: measures.hosts.map(({ id, state }) => ({ labels: { host: id, state }, value: 1 })),
    solstice_host_held_attempts: ofHosts(({ heldAttempts }) => heldAttempts),
    solstice_host_capacity_cpus: ofHosts(({ capacity }) => capacity.cpus),
    solstice_host_capacity_memory_bytes: ofHosts(({ capacity }) => capacity.memoryBytes),
    solstice_host_capacity_slots: ofHosts(({ capacity }) => capacity.slots),
    solstice_host_reserved_cpus: ofHosts(({ reserved }) => reserved.cpus),
    solstice_host_reserved_memory_bytes: ofHosts(({ reserved }) => reserved.memoryBytes),
    solstice_host_reserved_slots: ofHosts(({ reserved }) => reserved.slots),
    solstice_deliveries_waiting: [
      { labels: { state: 'due' }, value: deliveries.due },
      { labels: { state: 'postponed' }, value: deliveries.postponed },
    ],
    solstice_deliveries_waiting_oldest_age_seconds: only(seconds(deliveries.oldestAgeMs)),
    solstice_checks_pending: checks.map(({ forge, pending }) => ({ labels: { forge }, value: pending })),
    solstice_checks_failing: checks.map(({ forge, failing }) => ({ labels: { forge }, value: failing })),
    solstice_outbox_messages: only(outbox.messages),
    solstice_outbox_oldest_age_seconds: only(seconds(outbox.oldestAgeMs)),
    solstice_dead_letters: only(measures.deadLetters),
  };
}

function boundedPools(pools: readonly PoolMeasure[]): PoolMeasure[] {
  const unserved = pools.filter(({ liveHosts }) => liveHosts === 0);
  const folded = unserved.slice(mostUnservedPools);
  if (folded.length === 0) return [...pools];
  const ages = folded.map(({ oldestAgeMs }) => oldestAgeMs ?? 0);
  return [
    ...pools.filter((pool) => !folded.includes(pool)),
    {
      pool: 'other',
      queued: folded.reduce((sum, { queued }) => sum + queued, 0),
      oldestAgeMs: Math.max(...ages),
      liveHosts: 0,
    },
  ];
}
