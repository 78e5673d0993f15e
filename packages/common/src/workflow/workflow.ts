import type { Diagnostic, Span } from '../kdl/index.js';

/** One `.solstice/*.kdl` file, understood. Everything optional that is absent was not written. */
export interface Workflow {
  file: string;
  name: string;
  /** Where the name stands; for what is wrong between files. */
  nameSpan?: Span;
  on: Trigger[];
  env: Record<string, string>;
  jobs: Job[];
}

export interface Trigger {
  event: 'push';
  /** Globs over the short branch name (`main`, `release/*`); empty: every branch. */
  branches: string[];
}

export interface Job {
  id: string;
  name: string;
  /** The pool; absent: `default`. */
  runsOn?: string;
  image?: string;
  env: Record<string, string>;
  /** Ids of jobs that must have succeeded (or been skipped) before. */
  needs: string[];
  timeoutMs?: number;
  /** What it takes of its host; what it leaves out is as the pool has it. */
  resources?: { cpus?: number; memoryBytes?: number };
  place?: Place;
  /** Never two at once: better not run again than run twice. */
  exclusive?: true;
  /** Scripts of the checkout, run before the steps. */
  setup: string[];
  steps: Step[];
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
  action: { kind: 'run'; script: string } | { kind: 'script'; path: string };
}

export interface ParseResult {
  /** Present only when there is no error among the diagnostics. */
  workflow?: Workflow;
  /** Ordered by position. */
  diagnostics: Diagnostic[];
}
