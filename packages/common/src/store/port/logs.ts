import type { AttemptResult } from '../../flow/index.js';

export type LogStreamName = 'stdout' | 'stderr' | 'system';

/** What a runner said, in the order of its one numbering. */
export type RunnerRecord = { seq: number; at: Date } & (
  | { kind: 'log'; step: number; stream: LogStreamName; data: Uint8Array }
  | { kind: 'step-started'; step: number }
  /** Its condition did not hold: it was not started. */
  | { kind: 'step-skipped'; step: number }
  | { kind: 'step-finished'; step: number; result: AttemptResult; exitCode?: number; signal?: string }
  /** The last one. `record` only counts its number; what it says goes to `finish`. */
  | { kind: 'job-finished'; result: AttemptResult }
);

export interface LogChunkRecord {
  seq: number;
  step: number;
  stream: LogStreamName;
  at: Date;
  data: Uint8Array;
}

export interface LogStore {
  /** Chunks with seq > afterSeq, in order, at most `limit` chunks. */
  read(attemptId: string, options: { afterSeq: number; limit: number }): Promise<LogChunkRecord[]>;
}
