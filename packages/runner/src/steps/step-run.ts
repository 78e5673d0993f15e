import { join } from 'node:path';
import type { Outcome, Step } from '@solstice/common/rpc';
import type { JobProcesses } from './job-processes.js';
import { startLimit } from './limit-timer.js';
import { cannotStart, exited, type StopReason, signalled, stopped } from './outcomes.js';
import type { ProcessGroups } from './process-groups.js';
import { SilenceClock } from './silence-clock.js';
import { CannotStart, type StepCommand, stepCommand } from './step-command.js';
import { StepOutput } from './step-output.js';
import { StepProcess } from './step-process.js';

export interface StepRunParts {
  step: Step;
  environment: Record<string, string>;
  workDirectory: string;
  spoolDirectory: string;
  processes: JobProcesses;
  groups: ProcessGroups;
  graceMs: number;
  monotonicMs: () => number;
  /** It printed something, also after its end: it may have left children. */
  onHeard(): void;
  /** A clock of its own has run out; called before it is stopped. */
  onClock(stop: StopReason): void;
}

/** One step, from its start to its end, under its own clocks. */
export class StepRun {
  readonly #parts: StepRunParts;
  #process: StepProcess | undefined;
  #stop: StopReason | undefined;
  #terminating: Promise<void> | undefined;

  constructor(parts: StepRunParts) {
    this.#parts = parts;
  }

  /** Ends it as soon as the grace allows. The first reason counts; after its end it does nothing. */
  stop(reason: StopReason): void {
    if (this.#stop !== undefined) return;
    this.#stop = reason;
    const process = this.#process;
    if (process !== undefined && !process.hasEnded) this.#terminating = process.terminate(this.#parts.graceMs);
  }

  async run(): Promise<Outcome> {
    const { step, workDirectory, spoolDirectory, processes, groups, environment, monotonicMs, onHeard } = this.#parts;
    let command: StepCommand;
    try {
      command = stepCommand(step, workDirectory, join(spoolDirectory, 'scripts'));
    } catch (error) {
      if (error instanceof CannotStart) return cannotStart(step.index, error.message);
      throw error;
    }
    const silence = this.#silenceClock();
    const output = new StepOutput((stream, data) => processes.emit(step.index, stream, data), monotonicMs);
    const process = new StepProcess({
      command,
      workDirectory,
      environment,
      groups,
      onOutput: (stream, data) => {
        silence.heard();
        onHeard();
        output.add(stream, data);
      },
      monotonicMs,
    });
    this.#process = process;
    processes.add(process, output);
    processes.watch(silence);
    const timeoutMs = Number(step.timeoutMs);
    const clock = startLimit(timeoutMs, () => this.#runOut({ kind: 'step-timeout', limitMs: timeoutMs }));
    // None of it left is no limit here: such a step is not started.
    const limitMs = Number(step.deadlineLimitMs);
    const deadline = startLimit(Number(step.deadlineMs), () => this.#runOut({ kind: 'step-deadline', limitMs }));
    try {
      const end = await process.run();
      clearTimeout(clock);
      clearTimeout(deadline);
      processes.unwatch(silence);
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
      clearTimeout(deadline);
      processes.unwatch(silence);
    }
  }

  #silenceClock(): SilenceClock {
    const { step, monotonicMs } = this.#parts;
    const limitMs = Number(step.silenceMs);
    return new SilenceClock({
      limitMs,
      monotonicMs,
      onSilent: () => this.#runOut({ kind: 'step-silence', limitMs }),
    });
  }

  #runOut(stop: StopReason): void {
    if (this.#stop !== undefined) return;
    this.#parts.onClock(stop);
    this.stop(stop);
  }
}
