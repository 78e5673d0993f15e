import type { AttemptResult, Cause, JobSpec } from '@solstice/common/flow';
import type { Claim, RunnerRecord } from '@solstice/common/store';
import { AFTERMATH_MS, type AttemptClocks, afterSteady, type LeaseView } from './attempt-clocks.js';

export interface HangClocksParts {
  claim: Claim;
  clocks: AttemptClocks;
  lease: LeaseView;
  /** The attempt is over. */
  over: AbortSignal;
  onHang(result: AttemptResult): void;
}

/** How long `finally` may take after a cancel. */
export function finallyMsOf(job: JobSpec): number {
  return job.finally === undefined ? 0 : AFTERMATH_MS;
}

/**
 * The net behind the runner's own clocks: one that is well past them, and could be heard all the time, hangs. What it keeps
 * for us because we could not store it is not overtaken.
 */
export class HangClocks {
  readonly #parts: HangClocksParts;
  readonly #silenceMs: number | undefined;
  /** How long mending and tidying up, and before it the services, may take beyond the job's own time. */
  readonly #aftermathMs: number;
  #stepsBegan: boolean;
  #watching = false;
  #heardMs = 0;

  /** `adopted`: an earlier process may have heard of its first step already. */
  constructor(parts: HangClocksParts, adopted: boolean) {
    const { job } = parts.claim;
    this.#parts = parts;
    this.#silenceMs = job.silenceMs;
    const servicesMs = Math.max(0, ...(job.services ?? []).map(({ ready }) => ready?.withinMs ?? 0));
    this.#aftermathMs = finallyMsOf(job) + (job.catch === undefined ? 0 : AFTERMATH_MS) + servicesMs;
    this.#stepsBegan = adopted;
  }

  /** The assignment has been sent, now or before this process. */
  arm(): void {
    const { job, deadlineLeftMs } = this.#parts.claim;
    if (job.timeoutMs !== undefined) this.#arm(job.timeoutMs, { kind: 'clock', clock: 'job', limitMs: job.timeoutMs });
    if (job.deadlineMs !== undefined && deadlineLeftMs !== undefined) {
      this.#arm(deadlineLeftMs, { kind: 'clock', clock: 'deadline', limitMs: job.deadlineMs });
    }
  }

  /** The runner said something. Its silence counts from the first step on: a checkout says nothing for long. */
  heard(records: readonly RunnerRecord[]): void {
    if (this.#silenceMs === undefined || records.length === 0) return;
    this.#heardMs = performance.now();
    this.#stepsBegan ||= records.some(({ kind }) => kind === 'step-started');
    if (!this.#stepsBegan || this.#watching) return;
    this.#watching = true;
    this.#watchSilence(this.#silenceMs, this.#silenceMs + this.#parts.clocks.hangMs);
  }

  #arm(ms: number, cause: Cause): void {
    const { clocks, lease, over, onHang } = this.#parts;
    const allMs = ms + this.#aftermathMs + clocks.hangMs;
    afterSteady(allMs, clocks.hangMs, lease, over, () => onHang({ state: 'timed_out', cause }));
  }

  #watchSilence(limitMs: number, ms: number): void {
    const { clocks, lease, over, onHang } = this.#parts;
    afterSteady(ms, clocks.hangMs, lease, over, () => {
      const leftMs = this.#heardMs + limitMs + clocks.hangMs - performance.now();
      if (leftMs > 0) return this.#watchSilence(limitMs, leftMs);
      onHang({ state: 'timed_out', cause: { kind: 'clock', clock: 'silence', limitMs } });
    });
  }
}
