import type { Assignment } from '@solstice/common/rpc';
import type { EnclosingDeadline, RunnerRecord } from '@solstice/common/store';
import type { ServiceFailure } from '../backends/backend.js';

/**
 * What the session server asks of its owner (the orchestrator; later also `cidev run`). The server knows the
 * protocol, its owner knows attempts, fences and the store.
 */
export interface SessionHandler {
  /**
   * Undefined: refused for good, and the runner exits (unknown worker, wrong pair, attempt over). A rejection: not
   * now, and the runner comes back. May be called again for the same worker: it reconnected.
   */
  open(hello: { workerId: string; tokenHash: Uint8Array; sessionHash: Uint8Array }): Promise<SessionOwner | undefined>;
}

export interface SessionOwner {
  /** Read when a stream opens, after every earlier `record` for this worker has settled. */
  readonly durableSeq: number;
  /** The names of the job's steps, by index: results name the step, the protocol only counts it. */
  readonly stepNames: readonly string[];
  /** Called once a stream that has no assignment yet. Undefined: there is none any more; the runner is dismissed. */
  assignment(): Promise<Assignment | undefined>;
  /**
   * Durable when it resolves; called with one batch at a time, in order, without gaps. `job-finished` comes as a batch
   * of its own, when all before it is durable. A rejection with `fence-lost` dismisses the runner; any other ends the
   * stream, and the runner comes back.
   */
  record(records: RunnerRecord[]): Promise<{ durableSeq: number }>;
  /** The commit's tree as a tar stream. It is read no faster than the runner takes it, and ended early if that goes away. */
  source(): AsyncIterable<Uint8Array>;
  /**
   * Exclusive work: how long its steps may go on from now if the runner hears no more. Undefined: it has no such limit.
   * 0: not any more, and nothing is sent that would let it.
   */
  validForMs(): number | undefined;
  /** The stream is open: `control` reaches its runner until `disconnected`. */
  connected(control: SessionControl, runner: RunnerAbilities): void;
  disconnected(): void;
}

/** What not every version of the runner can do. */
export interface RunnerAbilities {
  /** Kills exclusive work by itself when it hears no more. */
  watchdog: boolean;
  /** Silence, deadlines, steps that may fail, `catch`, `finally`, outputs. */
  policies: boolean;
  /** Conditions and deadlines of steps, services. */
  conditions: boolean;
}

export interface SessionControl {
  /** `deadline`: of what the job stands in; it is over, and that is why. */
  cancel(reason: string, deadline?: EnclosingDeadline): void;
  dismiss(reason: string): void;
  /** The steps may begin. Repeating it does nothing. */
  servicesReady(): void;
  /** Ends the job; the first one counts. */
  serviceFailed(failure: ServiceFailure): void;
}
