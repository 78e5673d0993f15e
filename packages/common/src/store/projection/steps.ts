import { type AttemptState, type NodeSpec, stepsOf } from '../../flow/index.js';
import type { RunnerRecord, StepRecord } from '../records.js';

/** The steps of an attempt that has not begun. */
export function waitingSteps(node: NodeSpec): StepRecord[] {
  return stepsOf(node).map((step, index) => ({
    index,
    name: step.name,
    state: 'waiting',
    exitCode: undefined,
    signal: undefined,
    startedAt: undefined,
    endedAt: undefined,
  }));
}

/** A step after a record of its runner. Undefined: the record says nothing about steps. */
export function stepChange(record: RunnerRecord): ({ index: number } & Partial<StepRecord>) | undefined {
  switch (record.kind) {
    case 'step-started':
      return { index: record.step, state: 'running', startedAt: record.at };
    case 'step-skipped':
      return { index: record.step, state: 'skipped', endedAt: record.at };
    case 'step-finished':
      return {
        index: record.step,
        state: record.result.state,
        exitCode: record.exitCode,
        signal: record.signal,
        endedAt: record.at,
      };
    default:
      return undefined;
  }
}

/** How stored steps read once their attempt is over: what never began was skipped, what was interrupted ended with it. */
export function settledSteps(
  steps: readonly StepRecord[],
  attempt: { state: AttemptState; endedAt: Date | undefined },
): StepRecord[] {
  if (attempt.endedAt === undefined) {
    return [...steps];
  }
  const interrupted = attempt.state === 'failed' || attempt.state === 'timed_out' ? attempt.state : 'cancelled';
  return steps.map((step) => {
    if (step.state === 'waiting') {
      return { ...step, state: 'skipped' };
    }
    return step.state === 'running' ? { ...step, state: interrupted, endedAt: attempt.endedAt } : step;
  });
}
