import type { Message } from '@solstice/common/messages';
import {
  type Consumer,
  createInProcessQueue,
  type DeadLetter,
  type Handler,
  type Post,
  type Queue,
  type QueueState,
  type Subscription,
} from '@solstice/common/queue';
import { createLogger } from '@solstice/common/telemetry';

/** The in-process queue, made to lose, double, and be away. */
export class Doorbell implements Queue {
  /** How often each message is handed over: 0 loses it. */
  copies = 1;
  /** What publish rejects with. */
  outage: Error | undefined;
  readonly published: Message[] = [];
  readonly #queue = createInProcessQueue({ logger: createLogger({ level: 'silent' }), faults: () => this.copies });

  async publish(posts: readonly Post[]): Promise<void> {
    if (this.outage) throw this.outage;
    this.published.push(...posts.map(({ message }) => message));
    await this.#queue.publish(posts);
  }

  subscribe(subscription: Subscription, handler: Handler): Promise<Consumer> {
    return this.#queue.subscribe(subscription, handler);
  }

  onDeadLetter(handler: (letter: DeadLetter) => Promise<void>): Promise<Consumer> {
    return this.#queue.onDeadLetter(handler);
  }

  state(): QueueState {
    return this.#queue.state();
  }

  problem(): ReturnType<Queue['problem']> {
    return this.#queue.problem();
  }

  close(): Promise<void> {
    return this.#queue.close();
  }
}
