import type { AttemptResult, Cause } from '@solstice/common/flow';
import {
  type JobFinished,
  LogStream,
  type Outcome,
  Cause as ProtocolCause,
  type Record as ProtocolRecord,
  problemOfOutput,
  Result,
  toReason,
} from '@solstice/common/rpc';
import type { LogStreamName, RunnerRecord } from '@solstice/common/store';

/** What a runner sent is not what the protocol allows. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation';
}

/**
 * A record in our words. One of a kind that only a newer minor version has becomes an empty line: its number must count.
 * Throws ProtocolViolation for what cannot be, like a step that the job has not.
 */
export function toRecord(record: ProtocolRecord, stepNames: readonly string[]): RunnerRecord {
  const seq = Number(record.seq);
  const at = new Date(Number(record.atMs));
  if (Number.isNaN(at.getTime())) throw new ProtocolViolation(`record ${seq} has no possible time`);
  const { body } = record;
  switch (body?.$case) {
    case 'stepStarted':
      return { seq, at, kind: 'step-started', step: knownStep(body.value.step, stepNames) };
    case 'stepSkipped':
      return { seq, at, kind: 'step-skipped', step: knownStep(body.value.step, stepNames) };
    case 'log': {
      const { step, stream, data } = body.value;
      // What the runner says of itself before the first step counts as step 0, also in a job without steps.
      const known = step === 0 ? 0 : knownStep(step, stepNames);
      return { seq, at, kind: 'log', step: known, stream: toStreamName(stream), data };
    }
    case 'stepFinished': {
      const step = knownStep(body.value.step, stepNames);
      const { outcome } = body.value;
      if (outcome === undefined) throw new ProtocolViolation(`record ${seq} has no outcome`);
      return {
        seq,
        at,
        kind: 'step-finished',
        step,
        result: toResult(outcome, stepNames),
        ...(hasExitCode(outcome) ? { exitCode: outcome.exitCode } : {}),
        ...(outcome.signal === '' ? {} : { signal: outcome.signal }),
      };
    }
    case 'jobFinished': {
      return { seq, at, kind: 'job-finished', result: toJobResult(body.value, seq, stepNames) };
    }
    case undefined:
      return { seq, at, kind: 'log', step: 0, stream: 'system', data: new Uint8Array() };
  }
}

/** An outcome in our words. Who cancelled is for the owner to fill in: the runner is not told. */
export function toResult(outcome: Outcome, stepNames: readonly string[]): AttemptResult {
  switch (outcome.result) {
    case Result.RESULT_SUCCEEDED:
      return { state: 'succeeded' };
    case Result.RESULT_FAILED:
      return { state: 'failed', cause: toCause(outcome, stepNames) };
    case Result.RESULT_TIMED_OUT:
      return { state: 'timed_out', cause: toCause(outcome, stepNames) };
    case Result.RESULT_CANCELLED:
      return { state: 'cancelled', cause: toCause(outcome, stepNames) };
    default:
      throw new ProtocolViolation(`unknown result ${outcome.result}`);
  }
}

function toJobResult(end: JobFinished, seq: number, stepNames: readonly string[]): AttemptResult {
  if (end.outcome === undefined) throw new ProtocolViolation(`record ${seq} has no outcome`);
  const outputs = toOutputs(end.outputs);
  return {
    ...toResult(end.outcome, stepNames),
    ...(Object.keys(outputs).length === 0 ? {} : { outputs }),
    ...(end.final ? { final: true } : {}),
  };
}

/** A runner keeps to the same rules; but what is in a worker may be anything. */
function toOutputs(said: Record<string, string>): Record<string, string> {
  const outputs: Record<string, string> = {};
  for (const [name, value] of Object.entries(said)) {
    const problem = problemOfOutput(outputs, name, value);
    if (problem !== undefined) throw new ProtocolViolation(problem);
    outputs[name] = value;
  }
  return outputs;
}

/** What a worker makes up is kept, so it has a limit. It is not refused for its words: a runner says the same again, for ever. */
function toCause(outcome: Outcome, stepNames: readonly string[]): Cause {
  const { step, exitCode, signal } = outcome;
  const detail = toReason(outcome.detail);
  const stepName = stepNames[step] ?? `step ${step + 1}`;
  const limitMs = Number(outcome.limitMs);
  switch (outcome.cause) {
    case ProtocolCause.CAUSE_EXIT:
      return { kind: 'exit', step, stepName, exitCode };
    case ProtocolCause.CAUSE_SIGNAL:
      return { kind: 'signal', step, stepName, signal };
    case ProtocolCause.CAUSE_JOB_TIMEOUT:
      return { kind: 'clock', clock: 'job', limitMs, step, stepName };
    case ProtocolCause.CAUSE_STEP_TIMEOUT:
      return { kind: 'clock', clock: 'step', limitMs, step, stepName };
    case ProtocolCause.CAUSE_JOB_SILENCE:
      return { kind: 'clock', clock: 'silence', limitMs, step, stepName };
    case ProtocolCause.CAUSE_STEP_SILENCE:
      return { kind: 'clock', clock: 'step-silence', limitMs, step, stepName };
    case ProtocolCause.CAUSE_STEP_DEADLINE:
      return { kind: 'clock', clock: 'step-deadline', limitMs, step, stepName };
    case ProtocolCause.CAUSE_EXPRESSION:
      return { kind: 'expression', detail: `step “${stepName}”: ${detail}` };
    case ProtocolCause.CAUSE_SERVICE:
      return { kind: 'service', name: toReason(outcome.service), detail };
    case ProtocolCause.CAUSE_DEADLINE:
      return { kind: 'clock', clock: 'deadline', limitMs, step, stepName };
    case ProtocolCause.CAUSE_WORKFLOW_DEADLINE:
      return { kind: 'clock', clock: 'workflow', limitMs, step, stepName };
    case ProtocolCause.CAUSE_BRANCH_DEADLINE:
      return { kind: 'clock', clock: 'branch', limitMs, step, stepName };
    case ProtocolCause.CAUSE_USER:
      return { kind: 'user', reason: detail };
    case ProtocolCause.CAUSE_OUTPUT:
      return { kind: 'output', detail };
    case ProtocolCause.CAUSE_CANCELLED:
      return { kind: 'cancelled', by: 'unknown', ...(detail === '' ? {} : { reason: detail }) };
    case ProtocolCause.CAUSE_SOURCE:
      return { kind: 'source', detail };
    case ProtocolCause.CAUSE_CANNOT_START:
      return { kind: 'cannot-start', step, stepName, detail };
    default:
      throw new ProtocolViolation(`unknown cause ${outcome.cause}`);
  }
}

/** Zero is an exit code too, but not of a step that ended in another way. */
function hasExitCode(outcome: Outcome): boolean {
  return outcome.cause === ProtocolCause.CAUSE_EXIT || outcome.result === Result.RESULT_SUCCEEDED;
}

function knownStep(step: number, stepNames: readonly string[]): number {
  if (step < stepNames.length) return step;
  throw new ProtocolViolation(`the job has no step ${step}`);
}

function toStreamName(stream: LogStream): LogStreamName {
  switch (stream) {
    case LogStream.LOG_STREAM_STDOUT:
      return 'stdout';
    case LogStream.LOG_STREAM_STDERR:
      return 'stderr';
    case LogStream.LOG_STREAM_SYSTEM:
      return 'system';
    default:
      throw new ProtocolViolation(`unknown log stream ${stream}`);
  }
}
