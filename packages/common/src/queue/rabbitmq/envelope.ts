import { randomUUID } from 'node:crypto';
import type { ConsumeMessage, Options } from 'amqplib';
import { type Message, parseMessage } from '../../messages/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { DeadLetter, Post } from '../queue.js';
import { exchanges, hostKey, poolKey } from './topology.js';

/** What is handed to a channel's publish. */
export interface Parcel {
  exchange: string;
  routingKey: string;
  body: Buffer;
  options: Options.Publish & { messageId: string };
}

/** Where the broker did not set a message aside itself, we did, with these headers. */
const letterHeaders = {
  reason: 'solstice-reason',
  queue: 'solstice-queue',
  exchange: 'solstice-exchange',
  routingKey: 'solstice-routing-key',
  at: 'solstice-at',
} as const;

/** Undefined: no exchange is for such a message. That one comes out of a newer process's outbox. */
export function pack({ message, trace }: Post, now: Date): Parcel | undefined {
  const address = addressOf(message);
  if (!address) return undefined;
  return {
    ...address,
    body: Buffer.from(JSON.stringify(message)),
    options: {
      ...common(now),
      // For a host that is not there the message is superfluous: it reads its rows when it comes.
      mandatory: message.kind !== 'host',
      type: `solstice.${message.kind}/${message.version}`,
      headers: trace === undefined ? {} : { ...trace },
    },
  };
}

function addressOf(message: Message): { exchange: string; routingKey: string } | undefined {
  switch (message.kind) {
    case 'delivery': {
      const event = typeof message.event === 'string' ? message.event : message.event.kind;
      return { exchange: exchanges.events.name, routingKey: event };
    }
    case 'job':
      return { exchange: exchanges.jobs.name, routingKey: poolKey(message.pool) };
    case 'host':
      return { exchange: exchanges.hosts.name, routingKey: hostKey(message.hostId) };
    case 'report':
      return { exchange: exchanges.reports.name, routingKey: message.forge };
    default:
      message satisfies never;
      return undefined;
  }
}

export interface SetAside {
  reason: string;
  queue: string;
  exchange: string;
  routingKey: string;
  body: Buffer;
  /** What came with it, kept for whoever looks at it. */
  headers?: Record<string, unknown> | undefined;
}

export function packLetter(given: SetAside, now: Date): Parcel {
  return {
    exchange: exchanges.dead.name,
    routingKey: given.routingKey,
    body: given.body,
    options: {
      ...common(now),
      mandatory: true,
      headers: {
        ...given.headers,
        [letterHeaders.reason]: given.reason,
        [letterHeaders.queue]: given.queue,
        [letterHeaders.exchange]: given.exchange,
        [letterHeaders.routingKey]: given.routingKey,
        [letterHeaders.at]: now.toISOString(),
      },
    },
  };
}

function common(now: Date): Options.Publish & { messageId: string } {
  return {
    persistent: true,
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    appId: 'solstice',
    messageId: randomUUID(),
    timestamp: Math.floor(now.getTime() / 1000),
  };
}

export type Unpacked = { post: Post } | { unreadable: string };

export function unpack(raw: ConsumeMessage, kind: Message['kind']): Unpacked {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw.content));
  } catch {
    return { unreadable: 'it is no JSON' };
  }
  const parsed = parseMessage(value);
  if ('unreadable' in parsed) return parsed;
  const { message } = parsed;
  if (message.kind !== kind) return { unreadable: `kind: ${message.kind}, where only ${kind} belongs` };
  const trace = traceOf(raw.properties.headers ?? {});
  return { post: { message, ...(trace === undefined ? {} : { trace }) } };
}

function traceOf(headers: Record<string, unknown>): TraceContext | undefined {
  const { traceparent, tracestate } = headers;
  if (typeof traceparent !== 'string' || !/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/.test(traceparent)) {
    return undefined;
  }
  return { traceparent, ...(typeof tracestate === 'string' ? { tracestate } : {}) };
}

/**
 * Undefined: not a letter but a bell that was dropped because nobody had heard it for so long that its queue was full.
 * Its row is still there.
 */
export function unpackLetter(raw: ConsumeMessage, now: Date): DeadLetter | undefined {
  const headers: Record<string, unknown> = raw.properties.headers ?? {};
  const text = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const told = text(letterHeaders.reason);
  const byBroker = text('x-first-death-reason');
  if (told === undefined && (byBroker === 'maxlen' || byBroker === 'expired')) return undefined;
  const at = new Date(text(letterHeaders.at) ?? deathMs(headers['x-death']) ?? Number.NaN);
  return {
    queue: text(letterHeaders.queue) ?? text('x-first-death-queue') ?? 'unknown',
    routingKey: text(letterHeaders.routingKey) ?? raw.fields.routingKey,
    reason: told ?? reasonOf(byBroker),
    body: new Uint8Array(raw.content),
    at: Number.isNaN(at.getTime()) ? now : at,
  };
}

/** When the broker set it aside, by the newest of its own entries; the same each time that a letter is brought. */
function deathMs(deaths: unknown): number | undefined {
  const [newest] = Array.isArray(deaths) ? (deaths as { time?: { value?: unknown } }[]) : [];
  const seconds = newest?.time?.value;
  return typeof seconds === 'number' ? seconds * 1_000 : undefined;
}

function reasonOf(byBroker: string | undefined): string {
  if (byBroker === 'delivery_limit') return 'whoever took it ended before it was dealt with, too many times';
  return byBroker === undefined ? 'it was put there without a reason' : `the broker set it aside: ${byBroker}`;
}
