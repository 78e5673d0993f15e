import { isTerminal, type RunFlow } from '../../flow/index.js';

/**
 * The last known state of the runs that this process works on, so that a command folds in the newer events only. Always
 * compared with the run's row under its lock: being behind is normal, since other processes write too.
 */
export class FlowCache {
  readonly #flows = new Map<string, RunFlow>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(runId: string): RunFlow | undefined {
    return this.#flows.get(runId);
  }

  /** An older state than the one that is known is not taken: commits of one run may be noted out of order. */
  set(flow: RunFlow): void {
    if ((this.#flows.get(flow.runId)?.seq ?? 0) > flow.seq) return;
    this.#flows.delete(flow.runId);
    if (isTerminal(flow.state)) return;
    this.#flows.set(flow.runId, flow);
    const [oldest] = this.#flows.keys();
    if (this.#flows.size > this.#limit && oldest !== undefined) this.#flows.delete(oldest);
  }
}
