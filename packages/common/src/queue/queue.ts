import type { Message } from '../messages/index.js';

/** What a consumer wants to hear. */
export type Subscription =
  | { kind: 'delivery' }
  /** Each message goes to one of the consumers of its pool; to one of pool `*` only where nobody consumes its own. */
  | { kind: 'job'; pool: string }
  | { kind: 'host'; hostId: string }
  | { kind: 'report' };

export interface Consumer {
  /** No handler is called after the promise settles; a running one is waited for. Idempotent. */
  cancel(): Promise<void>;
}

export interface Queue {
  /** Settles when the message is confirmed (in-process: handed over). Rejects with a retryable SolsticeError otherwise. */
  publish(messages: readonly Message[]): Promise<void>;
  /**
   * Calls `handler` with one message at a time for this subscription; the message counts as dealt with when the
   * promise settles, also when it rejects (the rejection is logged; the sweep is what repairs). What was published
   * while nobody consumed it waits, within limits, unless it is for a host: that one reads its rows when it comes.
   */
  subscribe(subscription: Subscription, handler: (message: Message) => Promise<void>): Promise<Consumer>;
  /** Cancels every consumer and lets go of connections. Idempotent. */
  close(): Promise<void>;
}
