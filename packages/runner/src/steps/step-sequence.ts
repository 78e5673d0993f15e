import type { Verdict } from '@solstice/common/expressions';
import { Cause, type Outcome, Result, type Step } from '@solstice/common/rpc';
import type { RecordWriter } from '../spool/record-writer.js';
import type { JobProcesses } from './job-processes.js';
import { startLimit } from './limit-timer.js';
import { describeStop, notJudged, type StopReason, stopped, succeeded, wentWrong } from './outcomes.js';
import type { ProcessGroups } from './process-groups.js';
import { SilenceClock } from './silence-clock.js';
import { StepRun } from './step-run.js';

export interface StepSequenceParts {
  steps: readonly Step[];
  /** Everything but what the step itself says. */
  environmentOf: (step: Step) => Record<string, string>;
  /** Does its condition hold? */
  judge: (step: Step) => Verdict;
  writer: RecordWriter;
  processes: JobProcesses;
  groups: ProcessGroups;
  workDirectory: string;
  spoolDirectory: string;
  graceMs: number;
  /** How long none of them may print anything. 0: no limit. */
  silenceMs: number;
  monotonicMs: () => number;
}

/** Steps one after the other, until one fails that may not, or all are stopped. */
export class StepSequence {
  readonly #parts: StepSequenceParts;
  readonly #limits: (NodeJS.Timeout | undefined)[] = [];
  readonly #silence: SilenceClock;
  #current: StepRun | undefined;
  #stepIndex: number;
  #stop: StopReason | undefined;
  #over = false;

  constructor(parts: StepSequenceParts) {
    this.#parts = parts;
    this.#stepIndex = parts.steps[0]?.index ?? 0;
    this.#silence = new SilenceClock({
      limitMs: parts.silenceMs,
      monotonicMs: parts.monotonicMs,
      onSilent: () => this.stop({ kind: 'job-silence', limitMs: parts.silenceMs }),
    });
  }

  /** The one that runs, or ran last. */
  get stepIndex(): number {
    return this.#stepIndex;
  }

  /** From now on they have so long, all together. 0: no limit. The first of several that runs out counts. */
  limit(ms: number, reason: StopReason): void {
    if (!this.#over) this.#limits.push(startLimit(ms, () => this.stop(reason)));
  }

  /** Ends them as soon as the grace allows. The first reason counts; after the end it does nothing. */
  stop(reason: StopReason): void {
    if (this.#stop !== undefined || this.#over) return;
    this.#stop = reason;
    this.#say(reason);
    this.#current?.stop(reason);
  }

  /** Gives how the step ended that decided it; succeeded, if all did or may fail. */
  async run(): Promise<Outcome> {
    const { steps, groups, processes } = this.#parts;
    processes.watch(this.#silence);
    try {
      for (const step of steps) {
        const verdict = this.#parts.judge(step);
        if ('holds' in verdict && !verdict.holds) {
          this.#skip(step);
          continue;
        }
        const outcome = 'problem' in verdict ? this.#notJudged(step, verdict.problem) : await this.#step(step);
        // Stopped by what concerns all of them, one that may fail is no reason to go on.
        const mayFail = step.allowFailure && this.#stop === undefined;
        if (outcome.result !== Result.RESULT_SUCCEEDED && !mayFail) return outcome;
        if (wentWrong(outcome)) this.#parts.writer.system(step.index, 'The step may fail: the job goes on.');
        // It stopped between two steps; one whose last step is done has simply succeeded.
        if (this.#stop !== undefined && step !== steps.at(-1)) return stopped(step.index, this.#stop);
        groups.forgetEmpty();
      }
      return succeeded;
    } finally {
      this.#over = true;
      for (const limit of this.#limits) clearTimeout(limit);
      processes.unwatch(this.#silence);
    }
  }

  #skip(step: Step): void {
    const { writer } = this.#parts;
    writer.system(step.index, `The step is skipped, because its condition is false: ${step.when}`);
    writer.stepSkipped(step.index);
  }

  #notJudged(step: Step, problem: string): Outcome {
    const { writer } = this.#parts;
    writer.system(step.index, `The step's condition could not be judged: ${step.when}: ${problem}`);
    return this.#endedAtOnce(step, notJudged(step.index, `${step.when}: ${problem}`));
  }

  /** Earlier attempts of the job have used up what it has for all of them. */
  #hasNoTimeLeft(step: Step): Outcome {
    const limitMs = Number(step.deadlineLimitMs);
    const all = `The step's deadline of ${limitMs / 1000} s`;
    this.#parts.writer.system(step.index, `${all} was used up by earlier attempts of the job, so it does not begin.`);
    return this.#endedAtOnce(step, stopped(step.index, { kind: 'step-deadline', limitMs }));
  }

  #endedAtOnce(step: Step, outcome: Outcome): Outcome {
    this.#parts.writer.stepStarted(step.index);
    this.#parts.writer.stepFinished(step.index, outcome, 0);
    return outcome;
  }

  async #step(step: Step): Promise<Outcome> {
    const { writer, processes, groups, workDirectory, spoolDirectory, graceMs, monotonicMs } = this.#parts;
    this.#stepIndex = step.index;
    if (step.deadlineLimitMs > 0n && step.deadlineMs === 0n) return this.#hasNoTimeLeft(step);
    const beganMs = monotonicMs();
    writer.stepStarted(step.index);
    this.#current = new StepRun({
      step,
      environment: this.#parts.environmentOf(step),
      workDirectory,
      spoolDirectory,
      processes,
      groups,
      graceMs,
      monotonicMs,
      onHeard: () => this.#silence.heard(),
      onClock: (stop) => this.#say(stop),
    });
    const outcome = await this.#current.run();
    this.#current = undefined;
    if (outcome.cause === Cause.CAUSE_CANNOT_START) {
      writer.system(step.index, `The step could not be started: ${outcome.detail}`);
    }
    writer.stepFinished(step.index, outcome, monotonicMs() - beganMs);
    return outcome;
  }

  #say(reason: StopReason): void {
    this.#parts.processes.flush();
    this.#parts.writer.system(this.#stepIndex, describeStop(reason));
  }
}
