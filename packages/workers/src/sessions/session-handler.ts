import type { Assignment } from '@solstice/common/rpc';
import type { RunnerRecord } from '@solstice/common/store';

/**
 * What the session server asks of its owner (the orchestrator; later also `cidev run`). The server knows the
 * protocol, its owner knows attempts, fences and the store.
 */
export interface SessionHandler {
  /** Undefined: refused (unknown worker, wrong pair, attempt over). May be called again for the same worker: it reconnected. */
  open(hello: { workerId: string; tokenHash: Uint8Array; sessionHash: Uint8Array }): Promise<SessionOwner | undefined>;
}

export interface SessionOwner {
  durableSeq: number;
  /** Called once a stream that has no assignment yet. Undefined: there is none any more; the runner is dismissed. */
  assignment(): Promise<Assignment | undefined>;
  /** Durable when it resolves; called with one batch at a time, in order. A rejection with `fence-lost` dismisses the runner; any other ends the stream, and the runner comes back. */
  record(records: RunnerRecord[]): Promise<{ durableSeq: number }>;
  /** The commit's tree as a tar stream. */
  source(): AsyncIterable<Uint8Array>;
  /** The stream is open: `control` reaches its runner until `disconnected`. */
  connected(control: SessionControl): void;
  disconnected(): void;
}

export interface SessionControl {
  cancel(reason: string): void;
  dismiss(reason: string): void;
}
