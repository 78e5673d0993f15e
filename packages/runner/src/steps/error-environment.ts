import { Cause, type Outcome, Result, type Step } from '@solstice/common/rpc';

const kinds: Partial<Record<Cause, string>> = {
  [Cause.CAUSE_EXIT]: 'exit',
  [Cause.CAUSE_SIGNAL]: 'signal',
  [Cause.CAUSE_JOB_TIMEOUT]: 'timeout',
  [Cause.CAUSE_STEP_TIMEOUT]: 'timeout',
  [Cause.CAUSE_DEADLINE]: 'timeout',
  [Cause.CAUSE_STEP_DEADLINE]: 'timeout',
  [Cause.CAUSE_WORKFLOW_DEADLINE]: 'timeout',
  [Cause.CAUSE_BRANCH_DEADLINE]: 'timeout',
  [Cause.CAUSE_JOB_SILENCE]: 'silence',
  [Cause.CAUSE_STEP_SILENCE]: 'silence',
  [Cause.CAUSE_CANNOT_START]: 'cannot-start',
  [Cause.CAUSE_USER]: 'user',
  [Cause.CAUSE_OUTPUT]: 'output',
  [Cause.CAUSE_EXPRESSION]: 'expression',
  [Cause.CAUSE_SERVICE]: 'service',
  [Cause.CAUSE_CANCELLED]: 'cancelled',
};

/** What `catch` and `finally` steps find of what went wrong before them; docs/environment.md has the table. */
export function errorEnvironment(outcome: Outcome, steps: readonly Step[]): Record<string, string> {
  if (outcome.result === Result.RESULT_SUCCEEDED) return {};
  const stepName = steps.find(({ index }) => index === outcome.step)?.name ?? '';
  return {
    CI_ERROR_KIND: kinds[outcome.cause] ?? 'other',
    CI_ERROR_REASON: describeOutcome(outcome, stepName),
    CI_ERROR_STEP: stepName,
    ...(outcome.cause === Cause.CAUSE_EXIT ? { CI_ERROR_EXIT: String(outcome.exitCode) } : {}),
  };
}

/** The same for conditions: `error.kind`, `error.reason`, `error.step`, `error.exit`. Nothing went wrong: all of them are empty. */
export function errorContext(outcome: Outcome, steps: readonly Step[]): Record<string, unknown> {
  const { CI_ERROR_KIND: kind, CI_ERROR_REASON: reason, CI_ERROR_STEP: step } = errorEnvironment(outcome, steps);
  if (kind === undefined) return {};
  const exit = outcome.cause === Cause.CAUSE_EXIT ? { exit: outcome.exitCode } : {};
  return { error: { kind, reason, step, ...exit } };
}

/** In one sentence, without its full stop. */
export function describeOutcome(outcome: Outcome, stepName: string): string {
  const step = `step “${stepName}”`;
  const seconds = `${Number(outcome.limitMs) / 1000} s`;
  switch (outcome.cause) {
    case Cause.CAUSE_EXIT:
      return `${step} exited with ${outcome.exitCode}`;
    case Cause.CAUSE_SIGNAL:
      return `${step} was ended by ${outcome.signal}`;
    case Cause.CAUSE_JOB_TIMEOUT:
      return `the job took longer than ${seconds}`;
    case Cause.CAUSE_STEP_TIMEOUT:
      return `${step} took longer than ${seconds}`;
    case Cause.CAUSE_STEP_DEADLINE:
      return `${step} took longer than ${seconds} in all attempts together`;
    case Cause.CAUSE_EXPRESSION:
      return `the condition of ${step} could not be judged: ${outcome.detail}`;
    case Cause.CAUSE_SERVICE:
      return `service ${outcome.service}: ${outcome.detail}`;
    case Cause.CAUSE_DEADLINE:
      return `the job's deadline of ${seconds} is over`;
    case Cause.CAUSE_WORKFLOW_DEADLINE:
      return `the workflow's deadline of ${seconds} is over`;
    case Cause.CAUSE_BRANCH_DEADLINE:
      return `the deadline of ${seconds} of branch ${outcome.detail} is over`;
    case Cause.CAUSE_JOB_SILENCE:
      return `the job printed nothing for ${seconds}`;
    case Cause.CAUSE_STEP_SILENCE:
      return `${step} printed nothing for ${seconds}`;
    case Cause.CAUSE_CANNOT_START:
      return `${step} could not be started: ${outcome.detail}`;
    case Cause.CAUSE_CANCELLED:
      return outcome.detail === '' ? 'the job was cancelled' : `the job was cancelled: ${outcome.detail}`;
    default:
      return outcome.detail;
  }
}
