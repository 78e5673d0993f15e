import type { NewRunNumber, RequestKey } from './new-runs.js';

/** What a request with a key has made. */
export interface MadeByRequest {
  runs: NewRunNumber[];
  /** Why there is no run, or not for every file. */
  reason?: string;
}

/** For so long at least a key is kept. */
export const REQUEST_KEPT_MS = 24 * 3_600_000;

/**
 * The keys of requests that have made runs. They are written by `runs.plan`, `runs.rerun` and `runs.import`, each with
 * what it makes; a request that was refused, or that failed, leaves nothing.
 */
export interface RequestKeyStore {
  /** What was made for this key. Undefined: nothing yet. Rejects `request-key-reused` when something else was asked for. */
  find(request: RequestKey): Promise<MadeByRequest | undefined>;
  /** Forgets up to `limit` of those that have been kept for long enough. Answers how many. */
  forget(limit: number): Promise<number>;
}
