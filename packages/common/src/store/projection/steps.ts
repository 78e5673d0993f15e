import {
  type AttemptState,
  type AttemptView,
  attemptOf,
  graphOf,
  type NodeSpec,
  nodeOf,
  type RunFlow,
  stepsOf,
} from '../../flow/index.js';
import type { RunnerRecord, StepRecord } from '../port/index.js';

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

/** The attempts before this one whose steps have used up something that it has not any more: none if no step has a deadline. */
export function attemptsBefore(
  run: RunFlow,
  attemptId: string,
): { node: NodeSpec | undefined; earlier: AttemptView[] } {
  const attempt = attemptOf(run, attemptId);
  const node = graphOf(run.spec).spec(attempt?.nodeId ?? '');
  const limited = stepsOf(node).some(({ deadlineMs }) => deadlineMs !== undefined);
  const all = attempt === undefined || !limited ? [] : (nodeOf(run, attempt.nodeId)?.attempts ?? []);
  return { node, earlier: all.filter(({ number }) => number < (attempt?.number ?? 0)) };
}

/**
 * How long each step that has a deadline ran in these attempts, in milliseconds by its index, as their runners told it; one
 * that was interrupted ran until its attempt was over. Undefined: no attempt counts.
 */
export function stepMsUsed(
  node: NodeSpec | undefined,
  earlier: readonly { attempt: AttemptView; steps: readonly StepRecord[] }[],
): Record<number, number> | undefined {
  if (earlier.length === 0) {
    return undefined;
  }
  const used: Record<number, number> = {};
  for (const [index, { deadlineMs }] of stepsOf(node).entries()) {
    if (deadlineMs === undefined) {
      continue;
    }
    used[index] = earlier.reduce((sum, { attempt, steps }) => sum + ranMs(steps[index], attempt), 0);
  }
  return used;
}

function ranMs(step: StepRecord | undefined, { endedAt }: AttemptView): number {
  const beganMs = step?.startedAt?.getTime();
  const endMs = step?.endedAt?.getTime() ?? endedAt;
  return beganMs === undefined || endMs === undefined ? 0 : Math.max(0, endMs - beganMs);
}
