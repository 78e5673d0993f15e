import type { ConsumeMessage } from 'amqplib';
import { systemClock, type WallClock } from '../../clock/index.js';
import { SolsticeError, toError } from '../../errors/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Consumer, DeadLetter, Handler, Post, Queue, QueueState, Subscription } from '../queue.js';
import { type BrokerAddress, readAddress } from './connect.js';
import { RabbitConsumer } from './consumer.js';
import { unpack, unpackLetter } from './envelope.js';
import { Link, pause, within } from './link.js';
import { Publisher } from './publisher.js';
import { deadLetters, declareTopology, type QueueShape, queueOf } from './topology.js';

export interface RabbitQueueSettings extends BrokerAddress {
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** How the broker's own lists name our connections, beside what they are for. */
  hostId?: string;
  clock?: WallClock;
  /** How long to wait before trying again; the real pause is anything up to that. Default: 0.5 s doubling to 30 s. */
  backoff?: { firstMs: number; mostMs: number };
  /** How long the broker may take for an answer. Default 10 s. */
  answerMs?: number;
}

/**
 * The queue on RabbitMQ. Settles after the first try to connect, however that went: work goes on by the sweeps while the
 * broker is away, and it is tried for as long as this lives. Rejects (`settings-invalid`) only what is no address.
 *
 * amqplib's own recovery is not used: it knows nothing of what was declared and consumed.
 */
export async function createRabbitQueue(settings: RabbitQueueSettings): Promise<Queue> {
  const queue = new RabbitQueue(settings);
  await queue.start();
  return queue;
}

class RabbitQueue implements Queue {
  readonly #logger: RabbitQueueSettings['logger'];
  readonly #now: () => Date;
  readonly #where: string;
  readonly #answerMs: number;
  readonly #backoff: { firstMs: number; mostMs: number };
  readonly #publisher: Publisher;
  readonly #consumers = new Set<RabbitConsumer>();
  /** Apart, because a broker in alarm stops reading from a connection that has published, acks included. */
  readonly #publishing: Link;
  readonly #consuming: Link;
  #closing: Promise<void> | undefined;

  constructor(settings: RabbitQueueSettings) {
    const { logger, hostId = 'solstice', clock = systemClock } = settings;
    const { where, open } = readAddress(settings);
    this.#logger = logger;
    this.#where = where;
    this.#now = () => clock.now();
    this.#answerMs = settings.answerMs ?? 10_000;
    this.#backoff = settings.backoff ?? { firstMs: 500, mostMs: 30_000 };
    this.#publisher = new Publisher(
      { where, now: this.#now, confirmMs: this.#answerMs, logger },
      () => this.#publishing,
    );
    const shared = { where, logger, backoff: this.#backoff };
    this.#publishing = new Link({
      ...shared,
      name: 'publish',
      open: () => open(`${hostId} publish`),
      onUp: (connection) => this.#publisher.onUp(connection),
      onDown: () => this.#publisher.onDown(),
    });
    this.#consuming = new Link({
      ...shared,
      name: 'consume',
      open: () => open(`${hostId} consume`),
      onUp: async (connection) => {
        const channel = await connection.createChannel();
        channel.on('error', () => undefined);
        await within(this.#answerMs, 'declaring', () => declareTopology(channel));
        await channel.close();
        await Promise.all([...this.#consumers].map((consumer) => consumer.attach(connection)));
      },
      onDown: () => {
        for (const consumer of this.#consumers) consumer.detach();
      },
    });
  }

  async start(): Promise<void> {
    await Promise.all([this.#publishing.start(), this.#consuming.start()]);
  }

  async publish(posts: readonly Post[]): Promise<void> {
    this.#requireOpen();
    if (posts.length > 0) await this.#publisher.publish(posts);
  }

  async subscribe(subscription: Subscription, handler: Handler): Promise<Consumer> {
    return await this.#consume(
      subscription,
      () => queueOf(subscription),
      async (raw, queue, left) => {
        const unpacked = unpack(raw, subscription.kind);
        if ('unreadable' in unpacked) return await this.#setAside(raw, queue, unpacked.unreadable, left);
        const { message, trace } = unpacked.post;
        try {
          await handler(message, trace === undefined ? {} : { trace });
        } catch (error) {
          this.#logger.error(
            { err: error, kind: message.kind },
            'a message could not be dealt with; the sweep repairs it',
          );
        }
        return 'done';
      },
    );
  }

  async onDeadLetter(handler: (letter: DeadLetter) => Promise<void>): Promise<Consumer> {
    return await this.#consume(
      { kind: 'dead' },
      () => deadLetters,
      async (raw, _queue, left) => {
        const letter = unpackLetter(raw, this.#now());
        if (!letter) return 'done';
        // Held, and tried here again: every return to the queue would count against the letter.
        return await this.#until(left, 'a dead letter could not be stored; it is tried again', () => handler(letter));
      },
    );
  }

  state(): QueueState {
    if (this.#closing) return 'closed';
    return this.#publishing.connection && this.#consuming.connection ? 'connected' : 'connecting';
  }

  losses(): number {
    return this.#publishing.losses + this.#consuming.losses;
  }

  problem(): SolsticeError | undefined {
    if (this.state() !== 'connecting') return undefined;
    return this.#publishing.problem ?? this.#consuming.problem;
  }

  async close(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#consumers].map((consumer) => consumer.cancel()));
      await Promise.all([this.#publishing.close(), this.#consuming.close()]);
    })();
    await this.#closing;
  }

  async #consume(
    about: Record<string, string>,
    queue: () => QueueShape,
    process: (raw: ConsumeMessage, queue: string, left: AbortSignal) => Promise<'done' | 'keep'>,
  ): Promise<Consumer> {
    this.#requireOpen();
    const consumer = new RabbitConsumer({
      about,
      where: this.#where,
      queue,
      process,
      answerMs: this.#answerMs,
      backoff: this.#backoff,
      logger: this.#logger,
      drop: (connection, why) => this.#consuming.drop(connection, why),
      onCancel: (cancelled) => this.#consumers.delete(cancelled),
    });
    this.#consumers.add(consumer);
    const { connection } = this.#consuming;
    if (connection) await consumer.attach(connection);
    return consumer;
  }

  /** Kept until it lies safely among the dead letters. */
  async #setAside(raw: ConsumeMessage, queue: string, reason: string, left: AbortSignal): Promise<'done' | 'keep'> {
    const { exchange, routingKey } = raw.fields;
    const { headers } = raw.properties;
    this.#logger.warn({ queue, routingKey, reason }, 'a message could not be read; it is set aside');
    return await this.#until(left, 'a message could not be set aside; it is tried again', () =>
      this.#publisher.setAside({ reason, queue, exchange, routingKey, body: raw.content, headers }),
    );
  }

  async #until(left: AbortSignal, failed: string, work: () => Promise<void>): Promise<'done' | 'keep'> {
    const { firstMs, mostMs } = this.#backoff;
    for (let failures = 1; !left.aborted; failures += 1) {
      try {
        await work();
        return 'done';
      } catch (error) {
        this.#logger.warn({ problem: toError(error).message, failures }, failed);
      }
      await pause(Math.min(firstMs * 2 ** Math.min(failures, 30), mostMs), left);
    }
    return 'keep';
  }

  #requireOpen(): void {
    if (this.#closing) throw new SolsticeError('internal', 'the queue was closed', { retryable: true });
  }
}
