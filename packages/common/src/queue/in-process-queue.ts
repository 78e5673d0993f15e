import { assertNever, SolsticeError } from '../errors/index.js';
import type { Message } from '../messages/index.js';
import type { Logger } from '../telemetry/index.js';
import type { Consumer, DeadLetter, Handler, Heard, Post, Queue, QueueState, Subscription } from './queue.js';

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
  #waiting: Post[] = [];
  /** Raised with every message handed over, so that consumers of one queue take turns. */
  #turn = 0;
  #closed = false;

  constructor(settings: InProcessQueueSettings) {
    this.#settings = settings;
  }

  async publish(posts: readonly Post[]): Promise<void> {
    this.#requireOpen();
    for (const post of posts) {
      const copies = this.#settings.faults?.(post.message) ?? 1;
      for (let copy = 0; copy < copies; copy += 1) {
        this.#deliver(post);
      }
    }
  }

  async subscribe(subscription: Subscription, handler: Handler): Promise<Consumer> {
    this.#requireOpen();
    const consumer = new InProcessConsumer(subscription, handler, this.#settings.logger, {
      join: (joining) => {
        this.#consumers.add(joining);
        this.#deliverWaiting();
      },
      leave: (leaving, left) => {
        this.#consumers.delete(leaving);
        for (const post of left) {
          this.#deliver(post);
        }
      },
    });
    await consumer.resume();
    return consumer;
  }

  async onDeadLetter(_handler: (letter: DeadLetter) => Promise<void>): Promise<Consumer> {
    this.#requireOpen();
    // Nothing is written down here, so nothing is unreadable.
    return { pause: async () => undefined, resume: async () => undefined, cancel: async () => undefined };
  }

  state(): QueueState {
    return this.#closed ? 'closed' : 'connected';
  }

  problem(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting = [];
    await Promise.all([...this.#consumers].map((consumer) => consumer.cancel()));
  }

  #deliverWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const post of waiting) {
      this.#deliver(post);
    }
  }

  #deliver(post: Post): void {
    const consumer = this.#consumerOf(post.message);
    if (consumer !== undefined) {
      this.#turn += 1;
      consumer.take(post, this.#turn);
      return;
    }
    if (!this.#closed && post.message.kind !== 'host') {
      this.#waiting.push(post);
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

/** How a consumer comes among those that are given messages, and goes. */
interface Membership {
  join(consumer: InProcessConsumer): void;
  leave(consumer: InProcessConsumer, left: Post[]): void;
}

class InProcessConsumer implements Consumer {
  readonly subscription: Subscription;
  lastTurn = 0;
  readonly #handler: Handler;
  readonly #logger: Pick<Logger, 'error'>;
  readonly #membership: Membership;
  #backlog: Post[] = [];
  #working: Promise<void> | undefined;
  #listening = false;
  #cancelled = false;

  constructor(subscription: Subscription, handler: Handler, logger: Pick<Logger, 'error'>, membership: Membership) {
    this.subscription = subscription;
    this.#handler = handler;
    this.#logger = logger;
    this.#membership = membership;
  }

  take(post: Post, turn: number): void {
    this.lastTurn = turn;
    this.#backlog.push(post);
    this.#working ??= this.#work();
  }

  async pause(): Promise<void> {
    if (this.#listening) {
      this.#listening = false;
      const left = this.#backlog;
      this.#backlog = [];
      this.#membership.leave(this, left);
    }
  }

  async resume(): Promise<void> {
    if (!this.#listening && !this.#cancelled) {
      this.#listening = true;
      this.#membership.join(this);
    }
  }

  async cancel(): Promise<void> {
    this.#cancelled = true;
    await this.pause();
    await this.#working;
  }

  async #work(): Promise<void> {
    // Never within `publish`: what publishes must not wait for what listens.
    await Promise.resolve();
    for (let post = this.#backlog.shift(); post !== undefined; post = this.#backlog.shift()) {
      const about: Heard = post.trace === undefined ? {} : { trace: post.trace };
      try {
        await this.#handler(post.message, about);
      } catch (error) {
        this.#logger.error(
          { err: error, kind: post.message.kind },
          'a message could not be dealt with; the sweep repairs it',
        );
      }
    }
    this.#working = undefined;
  }
}
