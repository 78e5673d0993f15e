import type { Diagnostic, Span } from '../kdl/index.js';

/** One `.solstice/*.kdl` file, understood. Everything optional that is absent was not written. */
export interface Workflow {
  file: string;
  /** Of its text, in hex; where somebody asked for it. */
  sha256?: string;
  name: string;
  /** Where the name stands; for what is wrong between files. */
  nameSpan?: Span;
  on: Trigger[];
  env: Record<string, string>;
  /** In the order of the file, wherever they stand: `branch` and `onFailure` of a node say where. */
  jobs: Job[];
  waits?: Wait[];
  branches?: Branch[];
  gates?: Gate[];
  /** Of all of it together. */
  deadlineMs?: number;
  concurrency?: { group: string; policy: 'supersede' | 'queue' | 'allow' };
}

/** What all nodes of the graph have. */
export interface Placed {
  /** A condition in CEL. */
  when?: string;
  /** Where it stands in a branch: the innermost. */
  branch?: { id: string; side: 'then' | 'else' };
  /** It stands in `on_failure`. */
  onFailure?: true;
}

/** Ids that `changed(…)` and `needs` speak of are those of the file. */
export interface Branch extends Placed {
  id: string;
  name: string;
  when: string;
  needs: string[];
  needsOn?: Record<string, 'always' | 'failed'>;
  allowFailure?: true;
  /** Of all that stands in it, from the decision on. */
  deadlineMs?: number;
  span: Span;
}

export interface Gate extends Placed {
  id: string;
  name: string;
  needs: string[];
  needsOn?: Record<string, 'always' | 'failed'>;
  allowFailure?: true;
  deadlineMs?: number;
  matrix?: Matrix;
  prompt?: string;
  /** `user:ada`, `team:release`; empty: anyone who may operate. */
  approvers: string[];
  count: number;
  exclude?: 'author';
  inputs: Input[];
  timeoutMs?: number;
  timeoutThen?: 'reject' | 'approve';
  span: Span;
}

export interface Service {
  name: string;
  image: string;
  env: Record<string, string>;
  ready?: { command: string; intervalMs: number; withinMs: number };
}

/** Branch names and paths are globs; a list of branches that is empty means every branch. */
export type Trigger =
  | ({ event: 'push'; branches: string[] } & ChangedPaths)
  /** `branches`: of the branch that is to be merged into. */
  | ({ event: 'pull_request'; branches: string[] } & ChangedPaths)
  /** `match`: globs over the short tag name; empty: every tag. */
  | { event: 'tag'; match: string[] }
  /** `match`: the first line of the comment, or what it begins with before a space. */
  | { event: 'comment'; match: string }
  /** `cron`: five fields. `missed`: one run for all ticks that nobody was there for, or none. */
  | { event: 'schedule'; cron: string; timezone: string; missed: 'run-once' | 'skip' }
  | { event: 'manual'; inputs: Input[] };

export interface ChangedPaths {
  /** One of the changed files has to fit one of these; absent: any. */
  paths?: string[];
  /** Files that do not count. */
  ignore?: string[];
}

/** What who starts a workflow by hand may say. Without a default it has to be said. */
export type Input = { name: string } & (
  | { type: 'string'; default?: string | undefined; options?: string[] | undefined }
  | { type: 'int'; default?: number | undefined; min?: number | undefined; max?: number | undefined }
  | { type: 'bool'; default?: boolean | undefined }
);

/** Texts of a job that may have `${…}` in them (names, image, pool, values of variables) are here as they were written. */
export interface Job extends Placed {
  id: string;
  name: string;
  /** The pool; absent: `default`. */
  runsOn?: string;
  image?: string;
  env: Record<string, string>;
  /** Ids of jobs and waits that must have ended before; of a job with a matrix: all its cells. */
  needs: string[];
  /** What they must have ended with, where it is not success (or being skipped). */
  needsOn?: Record<string, 'always' | 'failed'>;
  /** It may fail. */
  allowFailure?: true;
  /** Of an attempt. */
  timeoutMs?: number;
  /** Of all attempts together. */
  deadlineMs?: number;
  /** Of waiting for a host. */
  queueMs?: number;
  /** Of its steps saying nothing. */
  silenceMs?: number;
  retry?: Retry;
  matrix?: Matrix;
  /** What it takes of its host; what it leaves out is as the pool has it. */
  resources?: { cpus?: number; memoryBytes?: number };
  place?: Place;
  /** Never two at once: better not run again than run twice. */
  exclusive?: true;
  outputs?: { name: string; file: string }[];
  services?: Service[];
  /** Scripts of the checkout, run before the steps. */
  setup: string[];
  steps: Step[];
  /** Run when the steps fail. */
  catch?: Step[];
  /** Run at the end, whatever came before. */
  finally?: Step[];
  span: Span;
}

export interface Retry {
  /** Attempts beyond the first. */
  times: number;
  /** `failed`, `timeout`, `infra`, `exit:75`. */
  on: string[];
  backoff?: { minMs: number; maxMs: number };
}

/** A job as often as there are cells. */
export interface Matrix {
  axes: string[];
  /** Values by axis, in the order of the axes. */
  cells: { values: Record<string, string>; allowFailure?: true }[];
  maxParallel?: number;
  onFailure: 'continue' | 'cancel';
}

/** Ends by itself, so long after all that it needs has ended. */
export interface Wait extends Placed {
  id: string;
  name: string;
  needs: string[];
  needsOn?: Record<string, 'always' | 'failed'>;
  allowFailure?: true;
  deadlineMs?: number;
  matrix?: Matrix;
  forMs: number;
  span: Span;
}

export interface Place {
  /** In the order of preference. */
  hosts: string[];
  /** Any host, when none of these can take it; absent: it waits for one of them. */
  otherwise?: 'any';
  /** What sends it to the next one: a fault of the infrastructure only, or its own failure too. */
  on: 'infra' | 'any';
}

export interface Step {
  /** As written, or the first line of the script, cut. */
  name: string;
  env: Record<string, string>;
  timeoutMs?: number;
  /** How long it may say nothing. */
  silenceMs?: number;
  /** Of all times that it runs, in all attempts of the job together. */
  deadlineMs?: number;
  /** A condition in CEL. */
  when?: string;
  /** Its failure is shown, and the next step goes on. */
  allowFailure?: true;
  action: { kind: 'run'; script: string } | { kind: 'script'; path: string };
}

export interface ParseResult {
  /** Present only when there is no error among the diagnostics. */
  workflow?: Workflow;
  /** Ordered by position. */
  diagnostics: Diagnostic[];
}
