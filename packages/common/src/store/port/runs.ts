import type { Command, FlowEvent, Refusal, RunFlow } from '../../flow/index.js';
import type { RunExport } from '../run-export/document.js';
import type { ImportRequest, NewRunNumber, PlanRequest, RerunRequest } from './new-runs.js';
import type { RunDetail, RunSummary } from './run-detail.js';

export interface RunStore {
  /**
   * Runs, nodes, first events, checks and outbox, and the delivery's new state: one transaction. `planned: false`: the
   * delivery was settled before, nothing changed, `runs` is empty; or it was made before for this key, and `runs` are
   * those. Rejects with `refused` what the engine refuses.
   */
  plan(request: PlanRequest): Promise<{ planned: boolean; runs: NewRunNumber[] }>;
  /**
   * The one way to change a run: row lock, load, decide, append, project, outbox. `not-found` rejects. An outcome
   * without events: it had happened before.
   */
  command(
    runId: string,
    command: Exclude<Command, { kind: 'plan' | 'claim' | 'start' | 'finish' | 'refuse' }>,
  ): Promise<CommandOutcome>;
  /** By id, by number, or by page key. */
  find(by: { id: string } | { number: number } | { pageKey: string }): Promise<RunDetail | undefined>;
  /**
   * Does an ended run again, wholly or in part, from its frozen specification, source and trigger: a new run with the
   * same check, whose report takes the old one's place. The old run stays as it is. With a key
   * that made a run before: that one. Rejects `not-found`.
   */
  rerun(request: RerunRequest): Promise<NewRunNumber | Refusal>;
  /**
   * Ends a run here, so that it can go on in another installation, and gives all that goes with it. Refused while a host
   * has anything of it, and when an import would not take the document. Of one that was exported before: the same again
   * (without events), so that a lost file loses nothing. Rejects `not-found`.
   */
  export(runId: string, by: string): Promise<{ document: RunExport; events: FlowEvent[] } | Refusal>;
  /**
   * Has an exported run go on here, under its id and a number of this installation, as if nothing had happened: what has
   * become due meanwhile happens now. Refused when the run is here already, unless it was this key that
   * brought it. Rejects `not-found` when its repository is
   * not here, `usage` when the document is not what `export` gave.
   */
  import(request: ImportRequest): Promise<NewRunNumber | Refusal>;
  /** Newest first. */
  list(filter: RunFilter): Promise<RunSummary[]>;
  events(runId: string): Promise<FlowEvent[]>;
}

export type CommandOutcome = { events: FlowEvent[]; state: RunFlow } | Refusal;

export interface RunFilter {
  repositoryId?: string;
  states?: string[];
  /** Only those that wait for something that is no host; their summaries say what. */
  waiting?: boolean;
  beforeNumber?: number;
  limit: number;
}
