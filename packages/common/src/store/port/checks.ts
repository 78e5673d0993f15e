import type { CheckState } from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';

export type { CheckState } from '../../flow/index.js';

export interface CheckRecord {
  id: string;
  forge: string;
  repositoryId: string;
  repositoryName: string;
  commit: string;
  context: string;
  runId: string | undefined;
  desired: CheckState;
  desiredVersion: number;
  sentVersion: number;
  /** Raised by each lease: says whose report it is that comes back. */
  lease: number;
  tries: number;
  nextTryAt: Date | undefined;
  lastError: string | undefined;
  /** Of the run whose state it shows, or of what could not be planned. */
  trace?: TraceContext;
}

export interface CheckStore {
  /** Takes due checks with desired > sent and no live lease; each has one sender at a time. */
  lease(request: { forge?: string; limit: number; leaseMs: number }): Promise<CheckRecord[]>;
  /**
   * The forge accepted this version. Ends the lease; a newer desired version makes it due at once. A sender whose lease
   * was over and taken by another may have overtaken that one's report: then the newest version is sent once more.
   */
  sent(id: string, version: number, lease: number): Promise<void>;
  /** It did not, or may not have. Ends the lease; of another's lease, as for `sent`. */
  failed(id: string, error: string, nextTryAt: Date, lease: number): Promise<void>;
  list(filter: {
    runId?: string;
    repositoryId?: string;
    commit?: string;
    pendingOnly?: boolean;
    limit: number;
  }): Promise<CheckRecord[]>;
}
