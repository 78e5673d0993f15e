/** Where a number comes from: read from the database when somebody scrapes, or counted by the process itself. */
type Origin = 'database' | 'process';

interface Instrument {
  kind: 'counter' | 'gauge' | 'histogram';
  origin: Origin;
  section: 'Waiting work' | 'Attempts' | 'Hosts' | 'From the forge and back' | 'Messages' | 'Logs' | 'The process';
  help: string;
  /** Only words whose number the operator bounds: pools, hosts, forges, states. Never ids of runs, repositories or refs. */
  labels: readonly string[];
  /** Of a histogram: upper bounds. */
  buckets?: readonly number[];
}

const quick = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;
const patient = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400] as const;
const boots = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] as const;

/** Every metric of ours, by its name. docs/observability.md is made from it; a name is never used for another meaning. */
export const metricCatalogue = {
  solstice_queued_attempts: {
    kind: 'gauge',
    origin: 'database',
    section: 'Waiting work',
    help: 'Attempts that wait for a host. Pools that no host serves beyond the hundredth are told together as pool "other".',
    labels: ['pool'],
  },
  solstice_queued_attempts_oldest_age_seconds: {
    kind: 'gauge',
    origin: 'database',
    section: 'Waiting work',
    help: 'For how long the oldest of them has been waiting.',
    labels: ['pool'],
  },
  solstice_pool_live_hosts: {
    kind: 'gauge',
    origin: 'database',
    section: 'Waiting work',
    help: 'Live, active hosts that serve the pool, whether they have room or not.',
    labels: ['pool'],
  },
  solstice_claim_wait_seconds: {
    kind: 'histogram',
    origin: 'process',
    section: 'Waiting work',
    help: "From an attempt's being queued to its claim by a host, by the database's clock. Pool as the host offers it.",
    labels: ['pool'],
    buckets: patient,
  },
  solstice_claim_duration_seconds: {
    kind: 'histogram',
    origin: 'process',
    section: 'Waiting work',
    help: 'How long the transaction took in which a host asked for work: claimed, nothing, failed.',
    labels: ['result'],
    buckets: quick,
  },
  solstice_attempts_ended_total: {
    kind: 'counter',
    origin: 'process',
    section: 'Attempts',
    help: 'Attempts ended through this process, by state and kind of cause ("none" when they succeeded).',
    labels: ['state', 'cause'],
  },
  solstice_worker_provision_seconds: {
    kind: 'histogram',
    origin: 'process',
    section: 'Attempts',
    help: 'How long the backend took to make a worker: made, failed, cancelled.',
    labels: ['backend', 'result'],
    buckets: boots,
  },
  solstice_fence_refusals_total: {
    kind: 'counter',
    origin: 'process',
    section: 'Attempts',
    help: 'Writes refused because the attempt had been taken from the worker. A few follow the loss of a host.',
    labels: ['operation'],
  },
  solstice_host_lease_age_seconds: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: 'Since the host last renewed its lease. It renews every 5 s and is given up after 30 s.',
    labels: ['host'],
  },
  solstice_host_live: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: '1 while the lease of the host is alive, 0 after an orderly stop or when it was lost.',
    labels: ['host'],
  },
  solstice_host_state: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: '1 for the state that an operator has given the host: active, draining or cordoned.',
    labels: ['host', 'state'],
  },
  solstice_host_held_attempts: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: 'Live attempts that the host holds.',
    labels: ['host'],
  },
  solstice_host_capacity_cpus: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: 'Processors that the host offers.',
    labels: ['host'],
  },
  solstice_host_capacity_memory_bytes: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: 'Memory that the host offers.',
    labels: ['host'],
  },
  solstice_host_capacity_slots: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: 'Workers that the host takes at once.',
    labels: ['host'],
  },
  solstice_host_reserved_cpus: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: 'Processors given to workers, until each is destroyed.',
    labels: ['host'],
  },
  solstice_host_reserved_memory_bytes: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: 'Memory given to workers, until each is destroyed.',
    labels: ['host'],
  },
  solstice_host_reserved_slots: {
    kind: 'gauge',
    origin: 'database',
    section: 'Hosts',
    help: 'Workers that have not been destroyed yet.',
    labels: ['host'],
  },
  solstice_webhook_requests_total: {
    kind: 'counter',
    origin: 'process',
    section: 'From the forge and back',
    help: 'Webhook requests, by result: accepted, duplicate, ignored, unsigned, unknown, malformed, unavailable, error.',
    labels: ['forge', 'result'],
  },
  solstice_deliveries_total: {
    kind: 'counter',
    origin: 'process',
    section: 'From the forge and back',
    help: 'Deliveries by what this process did with them: received, ignored, planned, failed, postponed.',
    labels: ['state'],
  },
  solstice_deliveries_waiting: {
    kind: 'gauge',
    origin: 'database',
    section: 'From the forge and back',
    help: 'Deliveries that are not planned yet: due now, or postponed because the forge or its settings did not let us.',
    labels: ['state'],
  },
  solstice_deliveries_waiting_oldest_age_seconds: {
    kind: 'gauge',
    origin: 'database',
    section: 'From the forge and back',
    help: 'Age of the oldest delivery that is not planned yet. After 24 hours it is given up.',
    labels: [],
  },
  solstice_checks_pending: {
    kind: 'gauge',
    origin: 'database',
    section: 'From the forge and back',
    help: 'Checks whose newest state the forge has not taken yet.',
    labels: ['forge'],
  },
  solstice_checks_failing: {
    kind: 'gauge',
    origin: 'database',
    section: 'From the forge and back',
    help: 'Those of them that the forge has refused at least once since it last took one.',
    labels: ['forge'],
  },
  solstice_reports_total: {
    kind: 'counter',
    origin: 'process',
    section: 'From the forge and back',
    help: 'Reports to a forge: accepted, unavailable, refused.',
    labels: ['forge', 'result'],
  },
  solstice_outbox_messages: {
    kind: 'gauge',
    origin: 'database',
    section: 'Messages',
    help: 'Messages that wait to be relayed to the queue.',
    labels: [],
  },
  solstice_outbox_oldest_age_seconds: {
    kind: 'gauge',
    origin: 'database',
    section: 'Messages',
    help: 'Age of the oldest of them; 0 when there is none.',
    labels: [],
  },
  solstice_relay_published_total: {
    kind: 'counter',
    origin: 'process',
    section: 'Messages',
    help: 'Messages that the queue has confirmed, by kind.',
    labels: ['kind'],
  },
  solstice_queue_publish_seconds: {
    kind: 'histogram',
    origin: 'process',
    section: 'Messages',
    help: 'How long a batch took until it was confirmed, or had failed.',
    labels: ['result'],
    buckets: quick,
  },
  solstice_queue_messages_total: {
    kind: 'counter',
    origin: 'process',
    section: 'Messages',
    help: 'Messages heard, by kind, and whether they were dealt with (handled) or left to the sweep (failed).',
    labels: ['kind', 'result'],
  },
  solstice_queue_connected: {
    kind: 'gauge',
    origin: 'process',
    section: 'Messages',
    help: '1 while the queue is connected to its broker. Always 1 with the queue of a single process.',
    labels: [],
  },
  solstice_queue_connections_lost_total: {
    kind: 'counter',
    origin: 'process',
    section: 'Messages',
    help: 'How often a connection to the broker was lost; each process has two.',
    labels: [],
  },
  solstice_dead_letters: {
    kind: 'gauge',
    origin: 'database',
    section: 'Messages',
    help: 'Messages that could not be read and wait for an operator.',
    labels: [],
  },
  solstice_log_durable_seconds: {
    kind: 'histogram',
    origin: 'process',
    section: 'Logs',
    help: "From a record's arrival at the orchestrator to its being durable.",
    labels: [],
    buckets: quick,
  },
  solstice_log_lag_seconds: {
    kind: 'gauge',
    origin: 'process',
    section: 'Logs',
    help: 'Age of the oldest record that has arrived and is not durable; 0 when all are.',
    labels: [],
  },
  solstice_log_unacknowledged_bytes: {
    kind: 'gauge',
    origin: 'process',
    section: 'Logs',
    help: 'Bytes that have arrived at the orchestrator and are not durable.',
    labels: [],
  },
  solstice_log_stored_bytes_total: {
    kind: 'counter',
    origin: 'process',
    section: 'Logs',
    help: 'Bytes of log made durable.',
    labels: [],
  },
  solstice_build_info: {
    kind: 'gauge',
    origin: 'process',
    section: 'The process',
    help: 'Always 1; its labels say which version runs, in which roles.',
    labels: ['version', 'roles'],
  },
  solstice_database_up: {
    kind: 'gauge',
    origin: 'process',
    section: 'The process',
    help: '1 when the database answered this scrape in time. While it is 0, nothing else is told that comes from it.',
    labels: [],
  },
  solstice_database_connections: {
    kind: 'gauge',
    origin: 'process',
    section: 'The process',
    help: 'Connections of the pool: busy and idle, and callers waiting for one.',
    labels: ['state'],
  },
  solstice_loop_failures_total: {
    kind: 'counter',
    origin: 'process',
    section: 'The process',
    help: 'Passes of background loops that failed and are tried again, by loop.',
    labels: ['loop'],
  },
  solstice_spans_total: {
    kind: 'counter',
    origin: 'process',
    section: 'The process',
    help: 'Spans of traces: exported, failed (the collector did not take them), dropped (there were too many).',
    labels: ['result'],
  },
} as const satisfies Record<string, Instrument>;

export type MetricName = keyof typeof metricCatalogue;
type Catalogue = typeof metricCatalogue;

export type MetricNameOf<Kind extends Instrument['kind']> = {
  [Name in MetricName]: Catalogue[Name]['kind'] extends Kind ? Name : never;
}[MetricName];

/** Gauges that are told only while the database answers. */
export type DatabaseGauge = {
  [Name in MetricName]: Catalogue[Name]['origin'] extends 'database' ? Name : never;
}[MetricName] &
  MetricNameOf<'gauge'>;

export type LabelsOf<Name extends MetricName> = { [Label in Catalogue[Name]['labels'][number]]: string };

export const metricNames = Object.keys(metricCatalogue) as MetricName[];
export const databaseGauges = metricNames.filter(
  (name) => metricCatalogue[name].origin === 'database',
) as DatabaseGauge[];
/** The same, without the literal types: for those who walk through all. */
export const instruments: Readonly<Record<MetricName, Instrument>> = { ...metricCatalogue };
