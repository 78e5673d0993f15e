import type { WallClock } from '../../clock/index.js';
import { SolsticeError } from '../../errors/index.js';
import type { Message } from '../../messages/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { ChangeTopic } from '../port/index.js';
import { MemoryChangeFeed } from './change-feed.js';
import { Tables } from './tables.js';

/** What all parts of the in-memory store share: rows, clock, ids, and the transaction. */
export class Core {
  readonly tables = new Tables();
  readonly changes = new MemoryChangeFeed();
  readonly #clock: WallClock;
  readonly #idSource: () => string;
  #touched = new Set<ChangeTopic>();
  #closed = false;
  #lastDelivery = 0;
  lastRunNumber = 0;

  constructor(clock: WallClock, idSource: () => string) {
    this.#clock = clock;
    this.#idSource = idSource;
  }

  now(): Date {
    return this.#clock.now();
  }

  newId(): string {
    return this.#idSource();
  }

  newDeliveryId(): string {
    this.#lastDelivery += 1;
    return String(this.#lastDelivery);
  }

  /**
   * Runs `work` alone: it has no await inside, so nothing comes between. It must check everything before it changes
   * anything, because nothing is undone. Begins in a later microtask, as a database would.
   */
  async transact<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.#closed) {
      throw new SolsticeError('database-unavailable', 'the store was closed');
    }
    try {
      return work();
    } finally {
      const topics = this.#touched;
      if (topics.size > 0) {
        this.#touched = new Set();
        this.changes.tell(topics);
      }
    }
  }

  touch(topic: ChangeTopic): void {
    this.#touched.add(topic);
  }

  send(messages: readonly Message[], trace?: TraceContext): void {
    for (const message of messages) {
      this.tables.outbox.set(this.newId(), { message, at: this.now(), ...(trace !== undefined && { trace }) });
      this.touch('outbox');
    }
  }

  close(): void {
    this.#closed = true;
    this.changes.clear();
  }
}
