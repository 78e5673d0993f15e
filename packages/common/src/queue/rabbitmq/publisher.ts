import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { SolsticeError, toError } from '../../errors/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Post } from '../queue.js';
import { explain } from './connect.js';
import { type Parcel, pack, packLetter, type SetAside } from './envelope.js';
import { type Link, within } from './link.js';
import { declareQueue, declareTopology, exchanges, poolQueue } from './topology.js';

export interface PublisherSettings {
  where: string;
  now(): Date;
  /** How long the broker may take to confirm. */
  confirmMs: number;
  logger: Pick<Logger, 'warn'>;
}

interface Opened {
  connection: ChannelModel;
  channel: ConfirmChannel;
  /** Message ids that came back since they were sent: no queue was there for them. */
  returned: Set<string>;
}

/** Sends with confirms over the link's connection. Keeps nothing: what is not confirmed is the caller's to send again. */
export class Publisher {
  readonly #settings: PublisherSettings;
  readonly #link: () => Link;
  #opened: Opened | undefined;
  /** Called when the connection can't be used any more, or is told to wait. */
  readonly #waiting = new Set<(error: SolsticeError) => void>();

  /** `link`: the one that calls onUp and onDown. */
  constructor(settings: PublisherSettings, link: () => Link) {
    this.#settings = settings;
    this.#link = link;
  }

  async onUp(connection: ChannelModel): Promise<void> {
    const channel = await connection.createConfirmChannel();
    const opened: Opened = { connection, channel, returned: new Set() };
    channel.on('return', (message) => opened.returned.add(String(message.properties.messageId)));
    // Without its channel the connection is of no use; a new one declares everything again.
    channel.on('error', (error) => this.#link().drop(connection, error));
    channel.on('close', () => this.#failWaiting(this.#unavailable('the channel was closed')));
    connection.on('blocked', (reason) => this.#failWaiting(this.#blocked(reason)));
    await within(this.#settings.confirmMs, 'declaring', () => declareTopology(channel));
    this.#opened = opened;
  }

  onDown(): void {
    this.#opened = undefined;
    this.#failWaiting(this.#unavailable('the connection was lost'));
  }

  async publish(posts: readonly Post[]): Promise<void> {
    const now = this.#settings.now();
    const parcels = posts.map((post) => pack(post, now) ?? this.#letterOf(post, now));
    const unroutable = await this.#send(parcels);
    if (unroutable.length === 0) return;
    await this.#declareFor(posts, new Set(unroutable.map((index) => parcels[index])), parcels);
    const again = unroutable.flatMap((index) => parcels[index] ?? []);
    const still = await this.#send(again);
    if (still.length > 0) throw this.#unavailable('a queue that was just declared has gone again');
  }

  /** Into the hands of whoever looks at dead letters. */
  async setAside(given: SetAside): Promise<void> {
    const letter = packLetter(given, this.#settings.now());
    if ((await this.#send([letter])).length === 0) return;
    const { channel } = this.#open();
    await this.#answer(() => declareTopology(channel));
    if ((await this.#send([letter])).length > 0) throw this.#unavailable('there is no queue for dead letters');
  }

  /** Answers the places of those that no queue was there for, when all have been confirmed. */
  async #send(parcels: readonly Parcel[]): Promise<number[]> {
    const { channel, connection, returned } = this.#open();
    const confirms = parcels.map(({ exchange, routingKey, body, options }) => {
      return new Promise<void>((resolve, reject) => {
        channel.publish(exchange, routingKey, body, options, (error: unknown) => {
          if (error) reject(this.#unavailable(toError(error).message));
          else resolve();
        });
      });
    });
    try {
      await this.#answer(() => Promise.all(confirms), connection);
    } catch (error) {
      for (const { options } of parcels) returned.delete(options.messageId);
      throw error;
    }
    // A message comes back before it is confirmed.
    return parcels.flatMap(({ options }, index) => (returned.delete(options.messageId) ? [index] : []));
  }

  async #declareFor(
    posts: readonly Post[],
    wanted: Set<Parcel | undefined>,
    parcels: readonly Parcel[],
  ): Promise<void> {
    const { channel } = this.#open();
    const pools = posts.flatMap(({ message }, index) =>
      message.kind === 'job' && wanted.has(parcels[index]) ? [message.pool] : [],
    );
    const only = [...wanted].every((parcel) => parcel?.exchange === exchanges.jobs.name);
    this.#settings.logger.warn({ pools: [...new Set(pools)] }, 'no queue was there for a message; declaring it');
    await this.#answer(async () => {
      if (!only) await declareTopology(channel);
      for (const pool of new Set(pools)) await declareQueue(channel, poolQueue(pool));
    });
  }

  /** Whatever comes first: the answer, the end of the connection, the broker's word to wait, or the deadline. */
  async #answer<T>(work: () => Promise<T>, connection = this.#open().connection): Promise<T> {
    let interrupt: ((error: SolsticeError) => void) | undefined;
    const interrupted = new Promise<never>((_resolve, reject) => {
      interrupt = reject;
      this.#waiting.add(reject);
    });
    try {
      return await within(this.#settings.confirmMs, 'publishing', () => Promise.race([work(), interrupted]));
    } catch (error) {
      const problem = explain(toError(error), this.#settings.where);
      // Nobody knows what became of it. What comes late on this connection must not count for what is sent again.
      if (!(error instanceof SolsticeError)) this.#link().drop(connection, problem);
      throw problem;
    } finally {
      if (interrupt) this.#waiting.delete(interrupt);
    }
  }

  #open(): Opened {
    const { blocked, connection, problem } = this.#link();
    if (blocked !== undefined) throw this.#blocked(blocked);
    if (!this.#opened || !connection) {
      throw problem ?? this.#unavailable('there is no connection');
    }
    return this.#opened;
  }

  /** A kind that this version doesn't know, out of an outbox that a newer one wrote: visible, and it holds up nobody. */
  #letterOf({ message }: Post, now: Date): Parcel {
    const reason = `no exchange is for it (kind ${String(message.kind)})`;
    const body = Buffer.from(JSON.stringify(message));
    return packLetter({ reason, queue: 'outbox', exchange: '', routingKey: '', body }, now);
  }

  #failWaiting(error: SolsticeError): void {
    for (const reject of [...this.#waiting]) reject(error);
  }

  #blocked(reason: string): SolsticeError {
    return this.#unavailable(`it takes no messages for now (${reason})`);
  }

  #unavailable(what: string): SolsticeError {
    return new SolsticeError('queue-unavailable', `RabbitMQ at ${this.#settings.where}: ${what}`);
  }
}
