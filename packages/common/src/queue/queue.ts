import type { SolsticeError } from '../errors/index.js';
import type { Message } from '../messages/index.js';
import type { TraceContext } from '../telemetry/index.js';

/** What a consumer wants to hear. */
export type Subscription =
  | { kind: 'delivery' }
  /**
   * Each message goes to one of the consumers of its pool; to one of pool `*` only where nobody consumes its own, on a
   * broker: where nobody has for a while.
   */
  | { kind: 'job'; pool: string }
  | { kind: 'host'; hostId: string }
  | { kind: 'report' };

/** A message on its way, and what it belongs to. */
export interface Post {
  message: Message;
  trace?: TraceContext;
}

/** What a consumer is told beside the message. */
export interface Heard {
  trace?: TraceContext;
}

export type Handler = (message: Message, about: Heard) => Promise<void>;

/** A message that could not be read. */
export interface DeadLetter {
  /** Where it lay. */
  queue: string;
  routingKey: string;
  reason: string;
  body: Uint8Array;
  /** When it was set aside. */
  at: Date;
}

export interface Consumer {
  /**
   * Takes no more messages until resume(); what was not begun goes to others, or waits. The handler that runs goes on
   * and is not waited for, so that it may call this itself. Idempotent.
   */
  pause(): Promise<void>;
  /** Takes messages again. Who comes back reads its rows too: bells may have rung in vain. Idempotent; nothing after cancel(). */
  resume(): Promise<void>;
  /** No handler is called after the promise settles; a running one is waited for. Idempotent. */
  cancel(): Promise<void>;
}

export type QueueState = 'connected' | 'connecting' | 'closed';

export interface Queue {
  /**
   * Settles when all are confirmed (in-process: handed over). Rejects with a retryable SolsticeError otherwise, soon
   * when the broker is away: nothing is kept in memory for later, and some may have been sent.
   */
  publish(posts: readonly Post[]): Promise<void>;
  /**
   * Calls `handler` with one message at a time for this subscription; the message counts as dealt with when the
   * promise settles, also when it rejects (the rejection is logged; the sweep is what repairs). What was published
   * while nobody consumed it waits, within limits, unless it is for a host: that one reads its rows when it comes.
   * Settles without the broker too; then messages come once it is there.
   */
  subscribe(subscription: Subscription, handler: Handler): Promise<Consumer>;
  /**
   * Calls `handler` with what could not be read, one at a time; kept on the broker, and brought again after a pause,
   * while the handler rejects. In-process: never called.
   */
  onDeadLetter(handler: (letter: DeadLetter) => Promise<void>): Promise<Consumer>;
  /** Is the broker reachable now? In-process: `connected` until it is closed. */
  state(): QueueState;
  /** Why it is not connected, with the way out; undefined while it is, or before the first try has failed. */
  problem(): SolsticeError | undefined;
  /** How often a connection to the broker was lost. Absent where there is none to lose. */
  losses?(): number;
  /** Cancels every consumer and lets go of connections. Idempotent. */
  close(): Promise<void>;
}
