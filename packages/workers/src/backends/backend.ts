import type { ResolvedService } from '@solstice/common/flow';

/**
 * Makes workers and takes them away. A worker is born for one attempt and gone after it.
 *
 * Contract (describeBackendContract checks it on every backend and on the fake):
 * - `provision` is idempotent on the worker id; calling it for a worker that exists gives that worker. It rejects with
 *   SolsticeError `image-unavailable`, `host-full`, `backend-unavailable` (what makes workers does not answer) or
 *   `worker-failed`, with a reason that a person can act on, and has then left nothing.
 *   Aborting the signal makes it reject and leave nothing.
 * - `list` names every worker of this host (label, directory), also those that an earlier process made, running or dead.
 * - `Worker.wait` settles once the worker has ended, for whatever reason; any number of callers.
 * - `Worker.destroy` is idempotent and complete: processes (also those that left the process group), container,
 *   network, files, services. Destroying what is not there succeeds.
 * - Calls for different workers may run at once; for one worker, `destroy` may overtake `provision` and wins.
 */
export interface Backend {
  readonly kind: 'process' | 'container';
  /** What is missing here; empty: it can work. Does not throw. */
  problems(): Promise<string[]>;
  provision(spec: WorkerSpec, signal: AbortSignal): Promise<Worker>;
  list(): Promise<Worker[]>;
}

export interface WorkerSpec {
  workerId: string;
  attemptId: string;
  hostId: string;
  epoch: number;
  /** 32 bytes; the only secret that goes in. */
  token: Uint8Array;
  /** Directory on the host in which the session socket lies; file name: SESSION_SOCKET. */
  sessionDirectory: string;
  /** The host's bare mirror of the repository, given read-only; undefined: none. */
  mirrorDirectory: string | undefined;
  /** Container only. */
  image: string | undefined;
  cpus: number;
  memoryBytes: number;
  /** Container only. Each is there from before the runner's start until the worker is destroyed, and is reached by its name. */
  services?: readonly ResolvedService[];
  /** How long the runner goes on without an orchestrator. Default: the runner's own. */
  detachedMs?: number;
}

export interface Worker {
  readonly id: string;
  /** How the runner sees the mirror; undefined: it must ask for chunks. Same answer after adoption. */
  readonly mirrorPath: string | undefined;
  wait(): Promise<WorkerExit>;
  /**
   * Looks on while its services become ready and while they run, also after adoption; `services` are those of its spec.
   * Says nothing more once one has ended, or the signal is aborted.
   */
  watchServices(services: readonly ResolvedService[], events: ServiceEvents, signal: AbortSignal): void;
  destroy(): Promise<void>;
}

export interface ServiceEvents {
  /** All of them are. Once. */
  onReady(): void;
  /** Once for one that is not ready in time, in place of `onReady`; and once for one that ends, whatever was said before. */
  onFailed(failure: ServiceFailure): void;
}

export interface ServiceFailure {
  name: string;
  /** As it goes on after the name: `was not ready within 1 min`. */
  detail: string;
  /** Its last lines. */
  output: readonly string[];
  /** False: it did not become ready in time. */
  ended: boolean;
}

export type WorkerExit =
  | {
      kind: 'exited';
      exitCode: number | undefined;
      signal: string | undefined;
      outOfMemory: boolean;
      lastOutput: string;
    }
  /** It was not there any more when looked for. */
  | { kind: 'gone' };

/** The file name of the socket inside `sessionDirectory`. */
export const SESSION_SOCKET = 'session.sock';
