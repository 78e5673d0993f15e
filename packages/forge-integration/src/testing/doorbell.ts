import type { Message } from '@solstice/common/messages';
import type { Consumer, Queue, Subscription } from '@solstice/common/queue';

/** A queue that hands over what it likes: by default each message once, but it can lose, double, and be away. */
export class Doorbell implements Queue {
  /** How often each message is handed over: 0 loses it. */
  copies = 1;
  /** What publish rejects with. */
  outage: Error | undefined;
  readonly published: Message[] = [];
  readonly #handlers: { kind: Subscription['kind']; handler: (message: Message) => Promise<void> }[] = [];

  async publish(messages: readonly Message[]): Promise<void> {
    if (this.outage) throw this.outage;
    for (const message of messages) {
      this.published.push(message);
      for (const { kind, handler } of this.#handlers) {
        if (kind !== message.kind) continue;
        for (let copy = 0; copy < this.copies; copy++) void handler(message).catch(() => {});
      }
    }
  }

  async subscribe(subscription: Subscription, handler: (message: Message) => Promise<void>): Promise<Consumer> {
    const entry = { kind: subscription.kind, handler };
    this.#handlers.push(entry);
    return {
      cancel: async () => {
        const at = this.#handlers.indexOf(entry);
        if (at >= 0) this.#handlers.splice(at, 1);
      },
    };
  }

  async close(): Promise<void> {
    this.#handlers.length = 0;
  }
}
