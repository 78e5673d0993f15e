import { createHash, randomUUID } from 'node:crypto';
import type { Options } from 'amqplib';
import { assertNever } from '../../errors/index.js';
import type { Subscription } from '../queue.js';

/**
 * Everything that Solstice has on the broker, as data, and the one function that declares it. Declaring is idempotent
 * and happens on every connect, before every consume, and when a message could not be routed: whoever deletes something
 * behind our back loses bells for a moment, never work.
 *
 * A queue's arguments can't be changed once it is there, so its name ends with a version: other arguments, next number.
 * Exchanges have none: outsiders bind to them.
 *
 * Checked against RabbitMQ 3.10.8 (by tests) and the documentation of 4.0 to 4.3:
 * - Quorum queues know every argument used here in both. Their delivery limit is none in 3.x and 20 from 4.0 on, hence
 *   always said. Queue expiry counts from the last consumer; declaring again does not renew it.
 * - 4.3 refuses transient queues that are not exclusive, and channel-wide prefetch: neither is used. From 4.0 on a vhost
 *   may make quorum queues by default, which can't be exclusive: so the queue type is always said.
 * - A delivery held for 30 minutes: up to 4.2 the broker closes the channel, from 4.3 on it cancels the consumer. Both are
 *   met by consuming again.
 * - `overflow: drop-head` and dead-lettering at most once go together; at-least-once would need `reject-publish`, which
 *   would let an unheard bell stop the outbox.
 */
export const exchanges = {
  events: { name: 'solstice.events', type: 'topic' },
  jobs: { name: 'solstice.jobs', type: 'direct', alternateExchange: 'solstice.jobs.unserved' },
  /** What no pool's queue is there for. */
  unserved: { name: 'solstice.jobs.unserved', type: 'fanout' },
  hosts: { name: 'solstice.hosts', type: 'direct' },
  reports: { name: 'solstice.reports', type: 'topic' },
  dead: { name: 'solstice.dead', type: 'fanout' },
} as const satisfies Record<string, ExchangeShape>;

interface ExchangeShape {
  name: string;
  type: 'topic' | 'direct' | 'fanout';
  alternateExchange?: string;
}

export interface QueueShape {
  name: string;
  options: Options.AssertQueue;
  bindTo: { exchange: string; key: string };
}

/** The part of a channel that declaring needs. */
export interface Declarer {
  assertExchange(name: string, type: string, options: Options.AssertExchange): Promise<unknown>;
  assertQueue(name: string, options: Options.AssertQueue): Promise<unknown>;
  bindQueue(queue: string, exchange: string, key: string): Promise<unknown>;
}

/** The pool of hosts that serve whatever nobody else serves. */
const ANY_POOL = '*';

/** Bells beyond are dropped, oldest first: the sweep finds their rows. */
const MOST_BELLS = 10_000;
/** A crash while a message is handled counts as one delivery; a handler that merely fails does not. */
const DELIVERY_LIMIT = 20;
/** The queue of a pool that nobody has consumed for so long goes; its bells then ring for hosts of pool `*`. */
const UNSERVED_FOR_MS = 30 * 60_000;

/** Letters are kept by holding them unacknowledged while nobody can store them; the broker's timeouts must not eat them. */
const LETTER_DELIVERY_LIMIT = 1_000_000;

function quorum(more: Record<string, unknown> = {}): Options.AssertQueue {
  return {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-delivery-limit': DELIVERY_LIMIT,
      'x-max-length': MOST_BELLS,
      'x-overflow': 'drop-head',
      'x-dead-letter-exchange': exchanges.dead.name,
      ...more,
    },
  };
}

const deliveries: QueueShape = {
  name: 'solstice.forge.deliveries.v1',
  options: quorum(),
  bindTo: { exchange: exchanges.events.name, key: 'forge.#' },
};

const reports: QueueShape = {
  name: 'solstice.reports.v1',
  options: quorum(),
  bindTo: { exchange: exchanges.reports.name, key: '#' },
};

export const deadLetters: QueueShape = {
  name: 'solstice.dead.v1',
  options: {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-delivery-limit': LETTER_DELIVERY_LIMIT,
      'x-max-length': MOST_BELLS,
      'x-overflow': 'drop-head',
    },
  },
  bindTo: { exchange: exchanges.dead.name, key: '' },
};

/**
 * One a pool, made by whoever consumes it, or by whoever publishes where neither it nor a queue of pool `*` is there.
 * Pool `*` is bound to what the jobs exchange could not route, so it hears exactly of pools that have no queue: nobody
 * has consumed them for half an hour. For those that have lost their hosts more recently its hosts rely on the sweep.
 */
export function poolQueue(pool: string): QueueShape {
  const options = quorum({ 'x-expires': UNSERVED_FOR_MS });
  const name = `solstice.jobs.${fit(pool)}.v1`;
  if (pool === ANY_POOL) return { name, options, bindTo: { exchange: exchanges.unserved.name, key: '' } };
  return { name, options, bindTo: { exchange: exchanges.jobs.name, key: poolKey(pool) } };
}

/** Goes with its connection. Its name is new each time: the one of a connection that is only half gone is still locked. */
function hostQueue(hostId: string): QueueShape {
  return {
    name: `solstice.host.${fit(hostId)}.${randomUUID()}.v1`,
    options: { durable: false, exclusive: true, autoDelete: true, arguments: { 'x-queue-type': 'classic' } },
    bindTo: { exchange: exchanges.hosts.name, key: hostKey(hostId) },
  };
}

export function poolKey(pool: string): string {
  return fit(pool);
}

export function hostKey(hostId: string): string {
  return fit(hostId);
}

/** The queue that a subscription consumes. */
export function queueOf(subscription: Subscription): QueueShape {
  switch (subscription.kind) {
    case 'delivery':
      return deliveries;
    case 'job':
      return poolQueue(subscription.pool);
    case 'host':
      return hostQueue(subscription.hostId);
    case 'report':
      return reports;
    default:
      return assertNever(subscription);
  }
}

/** The exchanges, and the queues that are always there. */
export async function declareTopology(channel: Declarer): Promise<void> {
  const shapes: ExchangeShape[] = Object.values(exchanges);
  for (const { name, type, alternateExchange } of shapes) {
    await channel.assertExchange(name, type, {
      durable: true,
      ...(alternateExchange === undefined ? {} : { alternateExchange }),
    });
  }
  for (const queue of [deadLetters, deliveries, reports]) await declareQueue(channel, queue);
}

export async function declareQueue(channel: Declarer, { name, options, bindTo }: QueueShape): Promise<void> {
  await channel.assertQueue(name, options);
  await channel.bindQueue(name, bindTo.exchange, bindTo.key);
}

/** Names and keys have at most 255 bytes; longer ones are told apart by their hash. */
function fit(word: string): string {
  if (Buffer.byteLength(word) <= 150) return word;
  return `sha256-${createHash('sha256').update(word).digest('hex')}`;
}
