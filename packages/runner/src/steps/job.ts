import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ConditionContext, Conditions } from '@solstice/common/expressions';
import {
  type Assignment,
  type EnclosingDeadline,
  FAIL_REASON_BYTES,
  type JobFinished,
  type Outcome,
  Result,
  StepKind,
} from '@solstice/common/rpc';
import { CommandServer } from '../command/command-server.js';
import { installCommand } from '../command/install.js';
import type { CommandAnswer, CommandRequest } from '../command/request.js';
import { JobOutputs } from '../outputs/job-outputs.js';
import type { RecordWriter } from '../spool/record-writer.js';
import type { Spool } from '../spool/spool.js';
import { errorContext, errorEnvironment } from './error-environment.js';
import { JobProcesses } from './job-processes.js';
import { startLimit } from './limit-timer.js';
import {
  afterCatch,
  afterFinally,
  type CancelReason,
  describeStop,
  enclosingOver,
  outputFailed,
  type StopReason,
  sourceFailed,
  stopped,
  succeeded,
  wentWrong,
} from './outcomes.js';
import type { ProcessGroups } from './process-groups.js';
import { describeFailure, type ServiceFailure, type Services } from './services.js';
import { stepEnvironment } from './step-environment.js';
import { StepSequence } from './step-sequence.js';

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
  /** What becomes of the containers beside the worker, if the job has any. */
  services: Services;
  /** Durable when it returns; called once, before the first step. */
  markStarted: () => void;
  monotonicMs: () => number;
}

const defaultGraceMs = 10_000;
const defaultAftermathMs = 5 * 60_000;

/** One assignment, from the checkout to the last step's end. */
export class Job {
  readonly #parts: JobParts;
  readonly #graceMs: number;
  readonly #aftermathMs: number;
  readonly #processes: JobProcesses;
  readonly #outputs = new JobOutputs();
  /** Stopped before its steps began: what they wait for is not waited for any more. */
  readonly #abortStart = new AbortController();
  readonly #conditions: Conditions;
  readonly #context: ConditionContext;
  #programs: string | undefined;
  readonly #assignedAtMs: number;
  #startedAtMs = 0;
  #current: { kind: StepKind; sequence: StepSequence } | undefined;
  #cancelled: CancelReason | undefined;
  /** Its own deadline was over before its steps began. */
  #tooLate: StopReason | undefined;
  /** A step said that it has failed, and is not to be tried again. */
  #final = false;

  constructor(parts: JobParts) {
    this.#parts = parts;
    const { limits } = parts.assignment;
    this.#graceMs = limits === undefined ? defaultGraceMs : Number(limits.cancelGraceMs);
    this.#aftermathMs = Number(limits?.aftermathMs ?? 0n) || defaultAftermathMs;
    parts.writer.limit(Number(limits?.logBytes ?? 0n));
    this.#processes = new JobProcesses(parts);
    this.#conditions = new Conditions(parts.assignment.changed);
    this.#context = contextOf(parts.assignment);
    this.#assignedAtMs = parts.monotonicMs();
  }

  /** Runs it all and says how it ended. When it settles nothing that it started is alive, and all output is in the spool. */
  async run(): Promise<JobFinished> {
    const { assignment, writer, spoolDirectory } = this.#parts;
    for (const note of assignment.notes) writer.system(0, note);
    const limits = this.#startLimits();
    const commands = join(spoolDirectory, 'command');
    let server: CommandServer | undefined;
    try {
      const source = await this.#checkout();
      if (!source.ok) return this.#end(source.outcome);
      server = await this.#serveCommands(commands);
      const failure = await this.#servicesReady();
      const stop = this.#startStopped;
      if (stop !== undefined) return this.#end(stopped(0, stop));
      if (failure !== undefined) return this.#end(stopped(0, { kind: 'service', ...describeFailure(failure) }));
      // From here to the first step nothing is waited for: whatever ends the job now has to find it. The deadline is its limit.
      clearTimeout(limits.deadline);
      this.#parts.markStarted();
      this.#parts.services.onEnd((ended) => this.#serviceEnded(ended));
      this.#startedAtMs = this.#parts.monotonicMs();
      return this.#end(await this.#phases({ ...this.#parts.environment, ...source.environment }));
    } finally {
      clearTimeout(limits.deadline);
      clearTimeout(limits.enclosing);
      await this.#processes.endAll();
      server?.close();
      for (const made of [commands, join(spoolDirectory, 'scripts')]) rmSync(made, { recursive: true, force: true });
    }
  }

  /**
   * Ends the job as soon as the grace allows, and what it has for its end is done. The first reason counts. `enclosing`: that
   * deadline is over, which it may have noticed itself.
   */
  cancel(reason: string, enclosing?: EnclosingDeadline): void {
    this.#stop(enclosing === undefined ? { kind: 'cancelled', reason } : enclosingOver(enclosing));
  }

  #stop(reason: CancelReason): void {
    if (this.#cancelled !== undefined) return;
    this.#cancelled = reason;
    this.#abortStart.abort();
    const current = this.#current;
    if (current !== undefined && current.kind !== StepKind.STEP_KIND_FINALLY)
      return current.sequence.stop(this.#cancelled);
    this.#processes.flush();
    this.#parts.writer.system(0, describeStop(this.#cancelled));
    this.#limitAfterCancel(current?.sequence);
  }

  /**
   * The deadlines, which count from the assignment on, whatever the job is doing. Its own has steps to mend and to tidy up
   * after it, so it is theirs as soon as they begin; the end of what the job stands in is as a cancel.
   */
  #startLimits(): { deadline: NodeJS.Timeout | undefined; enclosing: NodeJS.Timeout | undefined } {
    const { deadlineMs, deadlineLimitMs, enclosingDeadline } = this.#parts.assignment;
    const deadline = startLimit(Number(deadlineMs), () => {
      if (this.#startStopped !== undefined) return;
      this.#tooLate = { kind: 'deadline', limitMs: Number(deadlineLimitMs) };
      this.#parts.writer.system(0, describeStop(this.#tooLate));
      this.#abortStart.abort();
    });
    if (enclosingDeadline === undefined) return { deadline, enclosing: undefined };
    const over = enclosingOver(enclosingDeadline);
    const leftMs = Math.max(1, Number(enclosingDeadline.leftMs));
    return { deadline, enclosing: startLimit(leftMs, () => this.#stop(over)) };
  }

  /** Why what comes before the steps is not waited for any more. */
  get #startStopped(): StopReason | undefined {
    return this.#cancelled ?? this.#tooLate;
  }

  async #checkout(): Promise<{ ok: true; environment: Record<string, string> } | { ok: false; outcome: Outcome }> {
    const { checkout, writer } = this.#parts;
    try {
      const environment = await checkout(this.#abortStart.signal);
      return { ok: true, environment };
    } catch (error) {
      const stop = this.#startStopped;
      if (stop !== undefined) return { ok: false, outcome: stopped(0, stop) };
      const detail = error instanceof Error ? error.message : String(error);
      writer.system(0, `The source could not be checked out: ${detail}`);
      return { ok: false, outcome: sourceFailed(detail) };
    }
  }

  /** Undefined: they are, or the job is cancelled. */
  async #servicesReady(): Promise<ServiceFailure | undefined> {
    const { assignment, services, writer } = this.#parts;
    if (assignment.services.length === 0) return undefined;
    const names = assignment.services.join(', ');
    writer.system(0, `Waiting for ${assignment.services.length === 1 ? 'service' : 'services'} ${names}.`);
    const failure = await services.untilReady(this.#abortStart.signal);
    if (failure !== undefined) this.#showService(failure);
    else if (this.#startStopped === undefined) writer.system(0, `Ready: ${names}.`);
    return failure;
  }

  /** Steps that run are stopped by it. What tidies up may have ended it itself. */
  #serviceEnded(failure: ServiceFailure): void {
    const current = this.#current;
    if (current === undefined || current.kind === StepKind.STEP_KIND_FINALLY) return;
    this.#processes.flush();
    this.#showService(failure);
    current.sequence.stop({ kind: 'service', ...describeFailure(failure) });
  }

  #showService({ name, detail, output }: ServiceFailure): void {
    const said = output.length === 0 ? 'It printed nothing.' : 'What it printed last:';
    const lines = [`Service ${name} ${detail}. ${said}`, ...output.map((line) => `  ${line}`)];
    this.#parts.writer.system(this.#current?.sequence.stepIndex ?? 0, lines.join('\n'));
  }

  async #phases(environment: Record<string, string>): Promise<Outcome> {
    const { assignment } = this.#parts;
    const afterwards = (kind: StepKind, outcome: Outcome) => {
      const { steps } = assignment;
      return this.#run(kind, { ...environment, ...errorEnvironment(outcome, steps) }, errorContext(outcome, steps));
    };
    let outcome = this.#unlessCancelled(await this.#run(StepKind.STEP_KIND_UNSPECIFIED, environment, {}));
    let caught = false;
    if (wentWrong(outcome) && this.#has(StepKind.STEP_KIND_CATCH)) {
      const after = await afterwards(StepKind.STEP_KIND_CATCH, outcome);
      outcome = this.#unlessCancelled(afterCatch(outcome, after));
      caught = outcome.result === Result.RESULT_SUCCEEDED;
    }
    if (outcome.result === Result.RESULT_SUCCEEDED) outcome = this.#readOutputs(caught);
    if (this.#has(StepKind.STEP_KIND_FINALLY)) {
      if (this.#cancelled !== undefined) outcome = stopped(outcome.step, this.#cancelled);
      outcome = afterFinally(outcome, await afterwards(StepKind.STEP_KIND_FINALLY, outcome));
      if (this.#cancelled !== undefined) outcome = stopped(outcome.step, this.#cancelled);
    }
    return outcome;
  }

  /** A cancel that came while steps were ending already: nothing is mended any more. */
  #unlessCancelled(outcome: Outcome): Outcome {
    return this.#cancelled !== undefined && wentWrong(outcome) ? stopped(outcome.step, this.#cancelled) : outcome;
  }

  #has(kind: StepKind): boolean {
    return this.#parts.assignment.steps.some((step) => step.kind === kind);
  }

  async #run(kind: StepKind, base: Record<string, string>, error: ConditionContext): Promise<Outcome> {
    const { assignment, writer, groups, workDirectory, spoolDirectory, monotonicMs } = this.#parts;
    const sequence = new StepSequence({
      steps: assignment.steps.filter((step) => step.kind === kind),
      environmentOf: (step) => {
        const own = { CI_WORKSPACE: workDirectory, CI_STEP: String(step.index), CI_STEP_NAME: step.name };
        return stepEnvironment(base, { ...own, ...assignment.env }, step.env, this.#programs);
      },
      judge: (step) =>
        step.when === '' ? { holds: true } : this.#conditions.judge(step.when, { ...this.#context, ...error }),
      writer,
      processes: this.#processes,
      groups,
      workDirectory,
      spoolDirectory,
      graceMs: this.#graceMs,
      silenceMs: Number(assignment.silenceMs),
      monotonicMs,
    });
    this.#current = { kind, sequence };
    if (kind === StepKind.STEP_KIND_FINALLY && this.#cancelled !== undefined) this.#limitAfterCancel(sequence);
    else this.#limit(sequence, kind);
    try {
      return await sequence.run();
    } finally {
      this.#current = undefined;
    }
  }

  /** The job's clocks go on through it all; what mends and tidies up has some time even when they have run out. */
  #limit(sequence: StepSequence, kind: StepKind): void {
    const { timeoutMs, deadlineMs, deadlineLimitMs } = this.#parts.assignment;
    const leastMs = kind === StepKind.STEP_KIND_UNSPECIFIED ? 0 : this.#aftermathMs;
    const nowMs = this.#parts.monotonicMs();
    const left = (limitMs: number, sinceMs: number) =>
      limitMs === 0 ? 0 : Math.max(1, leastMs, sinceMs + limitMs - nowMs);
    const deadline = left(Number(deadlineMs), this.#assignedAtMs);
    sequence.limit(deadline, { kind: 'deadline', limitMs: Number(deadlineLimitMs) });
    sequence.limit(left(Number(timeoutMs), this.#startedAtMs), { kind: 'job-timeout', limitMs: Number(timeoutMs) });
  }

  #limitAfterCancel(sequence: StepSequence | undefined): void {
    sequence?.limit(this.#aftermathMs, { kind: 'aftermath', limitMs: this.#aftermathMs });
  }

  /** Of a job that was mended, what is not there is only left out. */
  #readOutputs(caught: boolean): Outcome {
    const { assignment, writer, workDirectory } = this.#parts;
    const step = assignment.steps.filter(({ kind }) => kind === StepKind.STEP_KIND_UNSPECIFIED).at(-1)?.index ?? 0;
    const problems = this.#outputs.readFiles(assignment.outputs, workDirectory);
    for (const { problem } of problems) writer.system(step, `No ${problem}`);
    const failing = problems.filter(({ missing }) => !(caught && missing)).map(({ problem }) => problem);
    return failing.length === 0 ? succeeded : outputFailed(step, failing.join('; '));
  }

  async #serveCommands(directory: string): Promise<CommandServer | undefined> {
    try {
      this.#programs = installCommand(directory);
      return await CommandServer.listen(directory, (request) => this.#answer(request));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#parts.writer.system(0, `\`solstice output\` and \`solstice fail\` cannot be used in this worker: ${why}`);
      return undefined;
    }
  }

  #answer(request: CommandRequest): CommandAnswer {
    if (request.do === 'output') {
      const problems = request.outputs.flatMap(({ name, value }) => this.#outputs.set(name, value) ?? []);
      return problems.length === 0 ? {} : { error: problems.join('; ') };
    }
    if (request.reason.includes('\0') || Buffer.byteLength(request.reason) > FAIL_REASON_BYTES) {
      return { error: `the reason may have ${FAIL_REASON_BYTES} bytes, and no NUL in it` };
    }
    if (this.#current === undefined) return { error: 'no step is running any more' };
    this.#final = true;
    this.#current.sequence.stop({ kind: 'user', reason: request.reason });
    return {};
  }

  #end(outcome: Outcome): JobFinished {
    const final = this.#final && wentWrong(outcome);
    return { outcome, outputs: this.#outputs.values, final };
  }
}

function contextOf({ conditionContext }: Assignment): ConditionContext {
  return conditionContext === '' ? {} : (JSON.parse(conditionContext) as ConditionContext);
}
