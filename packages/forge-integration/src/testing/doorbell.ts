import type { Message } from '@solstice/common/messages';
import { type Consumer, createInProcessQueue, type Queue, type Subscription } from '@solstice/common/queue';
import { createLogger } from '@solstice/common/telemetry';

/** The in-process queue, made to lose, double, and be away. */
export class Doorbell implements Queue {
  /** How often each message is handed over: 0 loses it. */
  copies = 1;
  /** What publish rejects with. */
  outage: Error | undefined;
  readonly published: Message[] = [];
  readonly #queue = createInProcessQueue({ logger: createLogger({ level: 'silent' }), faults: () => this.copies });

  async publish(messages: readonly Message[]): Promise<void> {
    if (this.outage) throw this.outage;
    this.published.push(...messages);
    await this.#queue.publish(messages);
  }

  subscribe(subscription: Subscription, handler: (message: Message) => Promise<void>): Promise<Consumer> {
    return this.#queue.subscribe(subscription, handler);
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
