import { Cause, type EnclosingDeadline, type Outcome, Result } from '@solstice/common/rpc';

/** Ways to end, in the protocol's words. */
const blank: Outcome = {
  result: Result.RESULT_SUCCEEDED,
  cause: Cause.CAUSE_UNSPECIFIED,
  exitCode: 0,
  signal: '',
  step: 0,
  limitMs: 0n,
  detail: '',
  service: '',
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

export function outputFailed(step: number, detail: string): Outcome {
  return { ...blank, result: Result.RESULT_FAILED, cause: Cause.CAUSE_OUTPUT, step, detail };
}

/** Its condition could not be judged. */
export function notJudged(step: number, detail: string): Outcome {
  return { ...blank, result: Result.RESULT_FAILED, cause: Cause.CAUSE_EXPRESSION, step, detail };
}

const clocks = {
  'job-timeout': Cause.CAUSE_JOB_TIMEOUT,
  'job-silence': Cause.CAUSE_JOB_SILENCE,
  deadline: Cause.CAUSE_DEADLINE,
  'step-timeout': Cause.CAUSE_STEP_TIMEOUT,
  'step-silence': Cause.CAUSE_STEP_SILENCE,
  'step-deadline': Cause.CAUSE_STEP_DEADLINE,
  /** What the last steps have after a cancel. */
  aftermath: Cause.CAUSE_JOB_TIMEOUT,
} as const;

/** Why the whole job is ended: nothing is mended any more, and what it has for its end has a time of its own. */
export type CancelReason =
  | { kind: 'cancelled'; reason: string }
  | { kind: 'workflow-deadline'; limitMs: number }
  | { kind: 'branch-deadline'; branch: string; limitMs: number };

/** The end of a deadline of what the job stands in. */
export function enclosingOver({ branch, limitMs }: EnclosingDeadline): CancelReason {
  const limit = { limitMs: Number(limitMs) };
  return branch === '' ? { kind: 'workflow-deadline', ...limit } : { kind: 'branch-deadline', branch, ...limit };
}

/** Why a step is ended from outside. */
export type StopReason =
  | CancelReason
  /** `solstice fail` */
  | { kind: 'user'; reason: string }
  | { kind: 'service'; name: string; detail: string }
  | { kind: keyof typeof clocks; limitMs: number };

export function stopped(step: number, stop: StopReason): Outcome {
  switch (stop.kind) {
    case 'cancelled':
      return { ...blank, result: Result.RESULT_CANCELLED, cause: Cause.CAUSE_CANCELLED, step, detail: stop.reason };
    case 'workflow-deadline':
    case 'branch-deadline': {
      const cause = stop.kind === 'workflow-deadline' ? Cause.CAUSE_WORKFLOW_DEADLINE : Cause.CAUSE_BRANCH_DEADLINE;
      const detail = stop.kind === 'workflow-deadline' ? '' : stop.branch;
      const limitMs = BigInt(stop.limitMs);
      return { ...blank, result: Result.RESULT_CANCELLED, cause, step, limitMs, detail };
    }
    case 'user':
      return { ...blank, result: Result.RESULT_FAILED, cause: Cause.CAUSE_USER, step, detail: stop.reason };
    case 'service': {
      const { name: service, detail } = stop;
      return { ...blank, result: Result.RESULT_FAILED, cause: Cause.CAUSE_SERVICE, step, service, detail };
    }
    default:
      return {
        ...blank,
        result: Result.RESULT_TIMED_OUT,
        cause: clocks[stop.kind],
        step,
        limitMs: BigInt(stop.limitMs),
      };
  }
}

/** The line of the log. */
export function describeStop(stop: StopReason): string {
  switch (stop.kind) {
    case 'cancelled':
      return stop.reason === '' ? 'The job was cancelled.' : `The job was cancelled: ${stop.reason}`;
    case 'user':
      return `The step says that the job has failed: ${stop.reason}`;
    case 'job-timeout':
      return `The job ran longer than its timeout of ${stop.limitMs / 1000} s and is stopped.`;
    case 'step-timeout':
      return `The step ran longer than its timeout of ${stop.limitMs / 1000} s and is stopped.`;
    case 'job-silence':
      return `The job printed nothing for ${stop.limitMs / 1000} s and is stopped.`;
    case 'step-silence':
      return `The step printed nothing for ${stop.limitMs / 1000} s and is stopped.`;
    case 'step-deadline':
      return `The step's deadline of ${stop.limitMs / 1000} s, for all attempts of the job together, is over, and it is stopped.`;
    case 'service':
      return `The job cannot go on: service ${stop.name} ${stop.detail}`;
    case 'deadline':
      return `The job's deadline of ${stop.limitMs / 1000} s is over, and it is stopped.`;
    case 'workflow-deadline':
      return `The workflow's deadline of ${stop.limitMs / 1000} s is over, and the job is stopped.`;
    case 'branch-deadline':
      return `The deadline of ${stop.limitMs / 1000} s of branch ${stop.branch} is over, and the job is stopped.`;
    case 'aftermath':
      return `The ${stop.limitMs / 1000} s that are left to a cancelled job are over.`;
  }
}

/** True: it went wrong by itself; nobody cancelled it. */
export function wentWrong(outcome: Outcome): boolean {
  return outcome.result === Result.RESULT_FAILED || outcome.result === Result.RESULT_TIMED_OUT;
}

/** How a job stands whose steps went wrong, after its catch steps: `caught` mends it, or says more clearly why it failed. */
export function afterCatch(outcome: Outcome, caught: Outcome): Outcome {
  const counts = !wentWrong(caught) || caught.cause === Cause.CAUSE_USER;
  return counts ? caught : outcome;
}

/** How it stands after its last steps. What went wrong before them counts more than what goes wrong in them. */
export function afterFinally(outcome: Outcome, last: Outcome): Outcome {
  return outcome.result === Result.RESULT_SUCCEEDED ? last : outcome;
}
