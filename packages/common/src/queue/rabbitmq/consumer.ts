import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { toError } from '../../errors/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Consumer } from '../queue.js';
import { explain } from './connect.js';
import { NoAnswer, pause, within } from './link.js';
import { declareQueue, declareTopology, type QueueShape } from './topology.js';

export interface ConsumerSettings {
  /** For the log. */
  about: Record<string, string>;
  where: string;
  /** The queue to declare and consume. Asked before every consume: a host's has a new name each time. */
  queue(): QueueShape;
  /**
   * Deals with one message. `keep`: it was not dealt with, and goes back. Rejects never. `left` aborts when this consumer
   * has lost the message or is to take no more; what waits should stop waiting then.
   */
  process(raw: ConsumeMessage, queue: string, left: AbortSignal): Promise<'done' | 'keep'>;
  answerMs: number;
  backoff: { firstMs: number; mostMs: number };
  logger: Pick<Logger, 'warn' | 'error' | 'info'>;
  /** Gives the connection up; another comes. */
  drop(connection: ChannelModel, why: Error): void;
  onCancel(consumer: RabbitConsumer): void;
}

/** One consume on one channel, from its opening until we leave or the broker takes it away. */
interface Session {
  channel: Channel;
  tag: string;
  queue: string;
  /** Aborted: nothing that was delivered by it is begun any more. */
  left: AbortController;
}

/**
 * One subscription: one channel, one message at a time. Consumes again after whatever took it away: a lost connection, a
 * deleted queue, a timeout of the broker's.
 */
export class RabbitConsumer implements Consumer {
  readonly #settings: ConsumerSettings;
  #wanted: 'listening' | 'paused' | 'cancelled' = 'listening';
  #connection: ChannelModel | undefined;
  #session: Session | undefined;
  /** Ends with the last message in hand; handlers of an old session and a new one never meet. */
  #handled: Promise<void> = Promise.resolve();
  /** The channel of the session that was left last has gone. */
  #closed: Promise<void> = Promise.resolve();
  /** Openings and leavings, one after the other. */
  #changes: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();
  #retrying = false;

  constructor(settings: ConsumerSettings) {
    this.#settings = settings;
  }

  /** There is a connection; settles when it is consumed from, or is known not to be for now. */
  async attach(connection: ChannelModel): Promise<void> {
    this.#connection = connection;
    await this.#adjust();
  }

  detach(): void {
    this.#connection = undefined;
    this.#session?.left.abort();
    this.#session = undefined;
  }

  async pause(): Promise<void> {
    if (this.#wanted === 'listening') this.#wanted = 'paused';
    await this.#adjust();
  }

  async resume(): Promise<void> {
    if (this.#wanted === 'paused') this.#wanted = 'listening';
    await this.#adjust();
  }

  async cancel(): Promise<void> {
    this.#wanted = 'cancelled';
    this.#stopping.abort();
    this.#settings.onCancel(this);
    await this.#adjust();
    await this.#handled;
    await this.#closed;
  }

  /** Brings what is in line with what is wanted. Rejects never. */
  async #adjust(): Promise<void> {
    this.#changes = this.#changes.then(async () => {
      if (this.#wanted !== 'listening') await this.#leave();
      else if (!this.#session && this.#connection) await this.#listen(this.#connection);
    });
    await this.#changes;
  }

  async #listen(connection: ChannelModel): Promise<void> {
    const { about, where, logger } = this.#settings;
    try {
      await within(this.#settings.answerMs, 'consuming', () => this.#open(connection));
    } catch (error) {
      if (connection !== this.#connection) return;
      if (error instanceof NoAnswer) {
        this.#settings.drop(connection, error);
        return;
      }
      const problem = explain(toError(error), where);
      const fields = { ...about, problem: problem.message, hint: problem.hint, code: problem.code };
      if (problem.code === 'queue-refused') logger.error(fields, 'cannot consume; it is tried again');
      else logger.warn(fields, 'cannot consume for now; it is tried again');
      void this.#retry();
    }
  }

  async #open(connection: ChannelModel): Promise<void> {
    const { about, queue, logger } = this.#settings;
    const channel = await connection.createChannel();
    const left = new AbortController();
    const lost = (): void => {
      left.abort();
      if (this.#session?.channel === channel) {
        this.#session = undefined;
        void this.#adjust();
      }
    };
    channel.on('error', (error) => {
      logger.warn({ ...about, problem: toError(error).message }, 'RabbitMQ closed a channel');
    });
    channel.on('close', lost);
    await channel.prefetch(1);
    const shape = queue();
    try {
      await declareQueue(channel, shape);
    } catch (error) {
      // Its exchange has been deleted: everything anew, on a channel that has not failed.
      if (!/NOT.FOUND/.test(toError(error).message)) throw error;
      const other = await connection.createChannel();
      other.on('error', () => undefined);
      await declareTopology(other);
      await other.close();
      throw error;
    }
    const session: Session = { channel, tag: '', queue: shape.name, left };
    const { consumerTag } = await channel.consume(shape.name, (raw) => {
      if (raw) {
        this.#take(session, raw);
        return;
      }
      logger.warn(
        { ...about, queue: shape.name },
        'RabbitMQ ended a consumer, as when its queue is deleted; consuming again',
      );
      lost();
      void this.#closeAfterHandler(session);
    });
    session.tag = consumerTag;
    if (left.signal.aborted) throw new Error('the channel was closed');
    if (connection !== this.#connection) {
      left.abort();
      throw new Error('the connection was lost');
    }
    this.#session = session;
  }

  async #retry(): Promise<void> {
    if (this.#retrying) return;
    this.#retrying = true;
    const { firstMs, mostMs } = this.#settings.backoff;
    for (let failures = 1; this.#isLacking(); failures += 1) {
      await pause(Math.random() * Math.min(firstMs * 2 ** Math.min(failures, 30), mostMs), this.#stopping.signal);
      if (this.#isLacking()) await this.#adjust();
    }
    this.#retrying = false;
  }

  #isLacking(): boolean {
    return this.#wanted === 'listening' && this.#connection !== undefined && !this.#session;
  }

  /** Takes no more. What was delivered and not begun goes back; what runs is acked at its end, then the channel goes. */
  async #leave(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    this.#session = undefined;
    session.left.abort();
    try {
      await within(this.#settings.answerMs, 'leaving', () => session.channel.cancel(session.tag));
    } catch {
      // Its channel has gone, and with it everything that we could have held.
    }
    // Not waited for here: the handler that runs may be waiting for this very change.
    this.#closed = this.#closeAfterHandler(session);
  }

  async #closeAfterHandler({ channel }: Session): Promise<void> {
    await this.#handled;
    await within(this.#settings.answerMs, 'closing', () => channel.close()).catch(() => undefined);
  }

  #take(session: Session, raw: ConsumeMessage): void {
    this.#handled = this.#handled.then(async () => {
      const { channel, queue, left } = session;
      const outcome = left.signal.aborted ? 'keep' : await this.#settings.process(raw, queue, left.signal);
      try {
        if (outcome === 'done') channel.ack(raw);
        else channel.nack(raw);
      } catch {
        // The channel has gone: the broker gives it to somebody again, who finds the rows dealt with.
      }
    });
  }
}
