import { assertNever, SolsticeError } from '../errors/index.js';
import type { Message } from '../messages/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Consumer, Queue, Subscription } from './queue.js';

export interface InProcessQueueSettings {
  logger: Pick<Logger, 'error'>;
  /** For tests: how often each message reaches its queue. 0: lost. 2: doubled. Default: 1. */
  faults?: (message: Message) => number;
}

/** The pool name of a host that serves whatever nobody else serves. */
const ANY_POOL = '*';

/** Messages that no consumer is there for. Those beyond are dropped, oldest first: the sweep finds their rows. */
const WAITING_LIMIT = 1_000;

/** The queue of a single process. Wakes, keeps nothing through a restart, and like a broker's it may lose or double. */
export function createInProcessQueue(settings: InProcessQueueSettings): Queue {
  return new InProcessQueue(settings);
}

class InProcessQueue implements Queue {
  readonly #settings: InProcessQueueSettings;
  readonly #consumers = new Set<InProcessConsumer>();
  /** What was published while nobody listened, in order. */
  #waiting: Message[] = [];
  /** Raised with every message handed over, so that consumers of one queue take turns. */
  #turn = 0;
  #closed = false;

  constructor(settings: InProcessQueueSettings) {
    this.#settings = settings;
  }

  async publish(messages: readonly Message[]): Promise<void> {
    this.#requireOpen();
    for (const message of messages) {
      const copies = this.#settings.faults?.(message) ?? 1;
      for (let copy = 0; copy < copies; copy += 1) {
        this.#deliver(message);
      }
    }
  }

  async subscribe(subscription: Subscription, handler: (message: Message) => Promise<void>): Promise<Consumer> {
    this.#requireOpen();
    const consumer: InProcessConsumer = new InProcessConsumer(subscription, handler, this.#settings.logger, (left) => {
      this.#consumers.delete(consumer);
      for (const message of left) {
        this.#deliver(message);
      }
    });
    this.#consumers.add(consumer);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) {
      this.#deliver(message);
    }
    return consumer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting = [];
    await Promise.all([...this.#consumers].map((consumer) => consumer.cancel()));
  }

  #deliver(message: Message): void {
    const consumer = this.#consumerOf(message);
    if (consumer !== undefined) {
      this.#turn += 1;
      consumer.take(message, this.#turn);
      return;
    }
    if (!this.#closed && message.kind !== 'host') {
      this.#waiting.push(message);
      if (this.#waiting.length > WAITING_LIMIT) {
        this.#waiting.shift();
      }
    }
  }

  /** The one of those that listen which had the last message longest ago. */
  #consumerOf(message: Message): InProcessConsumer | undefined {
    const listening = [...this.#consumers].filter((consumer) => hears(consumer.subscription, message));
    const candidates =
      listening.length > 0 || message.kind !== 'job'
        ? listening
        : [...this.#consumers].filter(({ subscription }) => hears(subscription, { ...message, pool: ANY_POOL }));
    return candidates.reduce<InProcessConsumer | undefined>(
      (best, one) => (best === undefined || one.lastTurn < best.lastTurn ? one : best),
      undefined,
    );
  }

  #requireOpen(): void {
    if (this.#closed) {
      throw new SolsticeError('internal', 'the queue was closed', { retryable: true });
    }
  }
}

function hears(subscription: Subscription, message: Message): boolean {
  switch (subscription.kind) {
    case 'delivery':
    case 'report':
      return message.kind === subscription.kind;
    case 'job':
      return message.kind === 'job' && message.pool === subscription.pool;
    case 'host':
      return message.kind === 'host' && message.hostId === subscription.hostId;
    default:
      return assertNever(subscription);
  }
}

class InProcessConsumer implements Consumer {
  readonly subscription: Subscription;
  lastTurn = 0;
  readonly #handler: (message: Message) => Promise<void>;
  readonly #logger: Pick<Logger, 'error'>;
  readonly #onCancel: (left: Message[]) => void;
  #backlog: Message[] = [];
  #working: Promise<void> | undefined;
  #cancelled = false;

  constructor(
    subscription: Subscription,
    handler: (message: Message) => Promise<void>,
    logger: Pick<Logger, 'error'>,
    onCancel: (left: Message[]) => void,
  ) {
    this.subscription = subscription;
    this.#handler = handler;
    this.#logger = logger;
    this.#onCancel = onCancel;
  }

  take(message: Message, turn: number): void {
    this.lastTurn = turn;
    this.#backlog.push(message);
    this.#working ??= this.#work();
  }

  async cancel(): Promise<void> {
    if (!this.#cancelled) {
      this.#cancelled = true;
      const left = this.#backlog;
      this.#backlog = [];
      this.#onCancel(left);
    }
    await this.#working;
  }

  async #work(): Promise<void> {
    // Never within `publish`: what publishes must not wait for what listens.
    await Promise.resolve();
    for (let message = this.#backlog.shift(); message !== undefined; message = this.#backlog.shift()) {
      try {
        await this.#handler(message);
      } catch (error) {
        this.#logger.error(
          { err: error, kind: message.kind },
          'a message could not be dealt with; the sweep repairs it',
        );
      }
    }
    this.#working = undefined;
  }
}
