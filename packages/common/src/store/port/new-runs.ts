import type { Origin, Rerun, RunSpec } from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { Diagnostic } from '../../workflow/index.js';

export interface SourceRef {
  repositoryId: string;
  forge: string;
  repositoryName: string;
  cloneUrl: string;
  /** `refs/heads/main` */
  ref: string;
  commit: string;
  before: string | undefined;
  title: string | undefined;
}

export interface NewRun {
  runId: string;
  /** Unguessable; the run page's address is made of it. */
  pageKey: string;
  spec: RunSpec;
  source: SourceRef;
  trigger: { event: string; actor: string };
  /** It does another run again, with what is not done anew. */
  origin?: Pick<Origin, 'rerun' | 'reused'>;
  /** The check that this run reports to. */
  checkContext: string;
  /** The span that planned it. The messages, claims and reports of the run carry it on. */
  trace?: TraceContext;
}

/** A check that has no run: a broken workflow file. */
export interface NewFailedCheck {
  source: SourceRef;
  context: string;
  title: string;
  diagnostics: Diagnostic[];
  trace?: TraceContext;
}

/** By what a request that makes runs is known again, when its client did not get the answer and asks once more. */
export interface RequestKey {
  /** As the client made it up. */
  key: string;
  /** Hex SHA-256 of all that is asked for. */
  fingerprint: string;
}

export interface PlanRequest {
  /** Compare-and-set from `received`; undefined: triggered by hand. */
  deliveryId: string | undefined;
  runs: NewRun[];
  failedChecks: NewFailedCheck[];
  /** What the delivery becomes: `planned`, or `failed` when every file was broken. */
  outcome: { state: 'planned' | 'failed'; reason: string | undefined };
  /** Of a trigger by hand; the reason of `outcome` is kept with it. */
  requestKey?: RequestKey | undefined;
}

export interface NewRunNumber {
  id: string;
  number: number;
  pageKey: string;
}

export interface RerunRequest {
  runId: string;
  which: Rerun;
  newRunId: string;
  pageKey: string;
  by: string;
  trace?: TraceContext;
  requestKey?: RequestKey | undefined;
}

export interface ImportRequest {
  /** What `export` gave, as it came. */
  document: unknown;
  pageKey: string;
  trace?: TraceContext;
  requestKey?: RequestKey | undefined;
}
