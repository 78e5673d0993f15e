import { Cause, type Outcome, Result } from '@solstice/common/rpc';

/** Ways to end, in the protocol's words. */
const blank: Outcome = {
  result: Result.RESULT_SUCCEEDED,
  cause: Cause.CAUSE_UNSPECIFIED,
  exitCode: 0,
  signal: '',
  step: 0,
  limitMs: 0n,
  detail: '',
};

export const succeeded: Outcome = blank;

export function exited(step: number, exitCode: number): Outcome {
  if (exitCode === 0) return { ...blank, step };
  return { ...blank, result: Result.RESULT_FAILED, cause: Cause.CAUSE_EXIT, step, exitCode };
}

export function signalled(step: number, signal: string): Outcome {
  return { ...blank, result: Result.RESULT_FAILED, cause: Cause.CAUSE_SIGNAL, step, signal };
}

export function cannotStart(step: number, detail: string): Outcome {
  return { ...blank, result: Result.RESULT_FAILED, cause: Cause.CAUSE_CANNOT_START, step, detail };
}

export function sourceFailed(detail: string): Outcome {
  return { ...blank, result: Result.RESULT_FAILED, cause: Cause.CAUSE_SOURCE, detail };
}

/** Why a step is ended from outside. */
export type StopReason =
  | { kind: 'cancelled'; reason: string }
  | { kind: 'job-timeout'; limitMs: number }
  | { kind: 'step-timeout'; limitMs: number };

export function stopped(step: number, stop: StopReason): Outcome {
  switch (stop.kind) {
    case 'cancelled':
      return { ...blank, result: Result.RESULT_CANCELLED, cause: Cause.CAUSE_CANCELLED, step, detail: stop.reason };
    case 'job-timeout':
    case 'step-timeout': {
      const cause = stop.kind === 'job-timeout' ? Cause.CAUSE_JOB_TIMEOUT : Cause.CAUSE_STEP_TIMEOUT;
      return { ...blank, result: Result.RESULT_TIMED_OUT, cause, step, limitMs: BigInt(stop.limitMs) };
    }
  }
}
