import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Assignment, Outcome, Step } from '@solstice/common/rpc';
import { Result } from '@solstice/common/rpc';
import type { OutputStream, RecordWriter } from '../spool/record-writer.js';
import type { Spool } from '../spool/spool.js';
import { cannotStart, exited, type StopReason, signalled, sourceFailed, stopped, succeeded } from './outcomes.js';
import type { ProcessGroups } from './process-groups.js';
import { CannotStart, type StepCommand, stepCommand } from './step-command.js';
import { stepEnvironment } from './step-environment.js';
import { StepOutput } from './step-output.js';
import { StepProcess } from './step-process.js';

export interface JobParts {
  assignment: Assignment;
  writer: RecordWriter;
  spool: Spool;
  groups: ProcessGroups;
  workDirectory: string;
  spoolDirectory: string;
  /** What every step's environment starts from. */
  environment: Record<string, string>;
  /** Fills the work directory; gives what else the steps' environment needs. Rejects with a reason for people. */
  checkout: (signal: AbortSignal) => Promise<Record<string, string>>;
  /** Durable when it returns; called once, before the first step. */
  markStarted: () => void;
  monotonicMs: () => number;
}

const defaultGraceMs = 10_000;

/** One assignment, from the checkout to the last step's end. */
export class Job {
  readonly #parts: JobParts;
  readonly #graceMs: number;
  readonly #abortCheckout = new AbortController();
  readonly #processes: StepProcess[] = [];
  readonly #outputs: StepOutput[] = [];
  #current: StepProcess | undefined;
  #stop: StopReason | undefined;
  #terminating: Promise<void> | undefined;
  #stepIndex = 0;

  constructor(parts: JobParts) {
    this.#parts = parts;
    const { limits } = parts.assignment;
    this.#graceMs = limits === undefined ? defaultGraceMs : Number(limits.cancelGraceMs);
    parts.writer.limit(Number(limits?.logBytes ?? 0n));
    parts.spool.onRoom(() => {
      for (const process of this.#processes) process.resume();
    });
  }

  /** Runs it all and says how it ended. When it settles nothing that it started is alive, and all output is in the spool. */
  async run(): Promise<Outcome> {
    const { assignment, writer } = this.#parts;
    for (const note of assignment.notes) writer.system(0, note);
    let outcome: Outcome;
    try {
      const sourceEnvironment = await this.#checkout();
      outcome = sourceEnvironment.ok
        ? await this.#steps({ ...this.#parts.environment, ...sourceEnvironment.environment })
        : sourceEnvironment.outcome;
    } finally {
      await this.#endAll();
    }
    return outcome;
  }

  /** Ends the job as soon as the grace allows. The first reason counts; after the end it does nothing. */
  cancel(reason: string): void {
    this.#stopWith({ kind: 'cancelled', reason });
  }

  async #checkout(): Promise<{ ok: true; environment: Record<string, string> } | { ok: false; outcome: Outcome }> {
    const { checkout, writer } = this.#parts;
    try {
      const environment = await checkout(this.#abortCheckout.signal);
      return { ok: true, environment };
    } catch (error) {
      if (this.#stop !== undefined) return { ok: false, outcome: stopped(0, this.#stop) };
      const detail = error instanceof Error ? error.message : String(error);
      writer.system(0, `The source could not be checked out: ${detail}`);
      return { ok: false, outcome: sourceFailed(detail) };
    }
  }

  async #steps(environment: Record<string, string>): Promise<Outcome> {
    const { assignment, markStarted, groups } = this.#parts;
    const timeoutMs = Number(assignment.timeoutMs);
    if (this.#stop !== undefined) return stopped(0, this.#stop);
    markStarted();
    const clock = startClock(timeoutMs, () => this.#stopWith({ kind: 'job-timeout', limitMs: timeoutMs }));
    try {
      for (const step of assignment.steps) {
        const outcome = await this.#step(step, environment);
        if (outcome.result !== Result.RESULT_SUCCEEDED) return outcome;
        // It stopped between two steps; a job whose last step is done has simply succeeded.
        if (this.#stop !== undefined && step !== assignment.steps.at(-1)) return stopped(step.index, this.#stop);
        groups.forgetEmpty();
      }
      return succeeded;
    } finally {
      clearTimeout(clock);
    }
  }

  async #step(step: Step, environment: Record<string, string>): Promise<Outcome> {
    const { writer, monotonicMs } = this.#parts;
    const beganMs = monotonicMs();
    this.#stepIndex = step.index;
    writer.stepStarted(step.index);
    const outcome = await this.#runStep(step, environment);
    if (outcome.detail !== '' && outcome.result === Result.RESULT_FAILED) {
      writer.system(step.index, `The step could not be started: ${outcome.detail}`);
    }
    writer.stepFinished(step.index, outcome, monotonicMs() - beganMs);
    return outcome;
  }

  async #runStep(step: Step, environment: Record<string, string>): Promise<Outcome> {
    const { assignment, workDirectory, spoolDirectory, groups, monotonicMs } = this.#parts;
    let command: StepCommand;
    try {
      command = stepCommand(step, workDirectory, join(spoolDirectory, 'scripts'));
    } catch (error) {
      if (error instanceof CannotStart) return cannotStart(step.index, error.message);
      throw error;
    }
    const output = new StepOutput((stream, data) => this.#emit(step.index, stream, data), monotonicMs);
    const process = new StepProcess({
      command,
      workDirectory,
      environment: stepEnvironment(
        environment,
        {
          CI_WORKSPACE: workDirectory,
          CI_STEP: String(step.index),
          CI_STEP_NAME: step.name,
          ...assignment.env,
        },
        step.env,
      ),
      groups,
      onOutput: (stream, data) => output.add(stream, data),
      monotonicMs,
    });
    this.#outputs.push(output);
    this.#processes.push(process);
    if (this.#parts.spool.isFull) process.pause();
    this.#current = process;
    const timeoutMs = Number(step.timeoutMs);
    const clock = startClock(timeoutMs, () => this.#stopWith({ kind: 'step-timeout', limitMs: timeoutMs }));
    try {
      const end = await process.run();
      clearTimeout(clock);
      // Stopped while it ran: that is why it ended, whatever it says itself.
      const stop = this.#stop;
      await this.#terminating;
      await process.drained();
      output.flush();
      if ('cannotStart' in end) return cannotStart(step.index, end.cannotStart);
      if (stop !== undefined) return stopped(step.index, stop);
      return 'signal' in end ? signalled(step.index, end.signal) : exited(step.index, end.exitCode);
    } finally {
      clearTimeout(clock);
      this.#current = undefined;
    }
  }

  #emit(step: number, stream: OutputStream, data: Buffer): void {
    const { writer, spool } = this.#parts;
    writer.output(step, stream, data);
    if (spool.isFull) for (const process of this.#processes) process.pause();
  }

  #stopWith(stop: StopReason): void {
    if (this.#stop !== undefined) return;
    this.#stop = stop;
    for (const output of this.#outputs) output.flush();
    this.#parts.writer.system(this.#stepIndex, describeStop(stop));
    this.#abortCheckout.abort();
    const current = this.#current;
    if (current !== undefined && !current.hasEnded) this.#terminating = current.terminate(this.#graceMs);
  }

  /** What steps left running ends with the job, and what it had printed is kept. */
  async #endAll(): Promise<void> {
    const { groups, spoolDirectory } = this.#parts;
    groups.killAll();
    await Promise.all(this.#processes.map((process) => process.drained()));
    for (const process of this.#processes) process.detach();
    for (const output of this.#outputs) output.flush();
    rmSync(join(spoolDirectory, 'scripts'), { recursive: true, force: true });
  }
}

function startClock(limitMs: number, onEnd: () => void): NodeJS.Timeout | undefined {
  // Timers hold 31 bits of milliseconds, some 24 days; a longer limit is no limit.
  return limitMs > 0 && limitMs < 2 ** 31 ? setTimeout(onEnd, limitMs) : undefined;
}

function describeStop(stop: StopReason): string {
  switch (stop.kind) {
    case 'cancelled':
      return stop.reason === '' ? 'The job was cancelled.' : `The job was cancelled: ${stop.reason}`;
    case 'job-timeout':
      return `The job ran longer than its timeout of ${stop.limitMs / 1000} s and is stopped.`;
    case 'step-timeout':
      return `The step ran longer than its timeout of ${stop.limitMs / 1000} s and is stopped.`;
  }
}
