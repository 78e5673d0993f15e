import { type JobSpec, stepsOf } from '@solstice/common/flow';
import { branchOf } from '@solstice/common/forge';
import { type Assignment, type EnclosingDeadline, environmentNameOf, type Step, StepKind } from '@solstice/common/rpc';
import type { Claim, EnclosingLeft } from '@solstice/common/store';
import { AFTERMATH_MS } from './attempt-clocks.js';
import { needsEnvironment } from './needs-environment.js';

export interface RunnerLimits {
  logCapBytes: number;
  spoolCapBytes: number;
  cancelGraceMs: number;
}

/** What the runner is told, made from the claim, and what is left of the deadlines that it stands in: the same gives the same. */
export function assignmentOf(
  claim: Claim,
  mirrorPath: string | undefined,
  limits: RunnerLimits,
  enclosing?: EnclosingLeft,
): Assignment {
  const { job, source } = claim;
  const needs = needsEnvironment(claim.needs);
  return {
    runId: claim.runId,
    attemptId: claim.fence.attemptId,
    jobId: job.id,
    jobName: job.name,
    env: { ...environmentOf(claim), ...needs.environment, ...job.env },
    steps: stepsOfAssignment(claim),
    timeoutMs: BigInt(job.timeoutMs ?? 0),
    silenceMs: BigInt(job.silenceMs ?? 0),
    // 0 would mean that it has none.
    deadlineMs: claim.deadlineLeftMs === undefined ? 0n : BigInt(Math.max(1, Math.round(claim.deadlineLeftMs))),
    deadlineLimitMs: BigInt(job.deadlineMs ?? 0),
    outputs: (job.outputs ?? []).map(({ name, file }) => ({ name, path: file })),
    source: { commit: source.commit, ref: source.ref, mirrorPath: mirrorPath ?? '' },
    limits: {
      logBytes: BigInt(limits.logCapBytes),
      spoolBytes: BigInt(limits.spoolCapBytes),
      cancelGraceMs: BigInt(limits.cancelGraceMs),
      aftermathMs: BigInt(AFTERMATH_MS),
    },
    notes: [...notesOf(claim), ...needs.notes],
    exclusive: job.exclusive === true,
    conditionContext: claim.conditions === undefined ? '' : JSON.stringify(claim.conditions.context),
    changed: claim.conditions?.changed ?? {},
    services: (job.services ?? []).map(({ name }) => name),
    enclosingDeadline: enclosing && enclosingOf(enclosing),
  };
}

function enclosingOf({ branchId, limitMs, leftMs }: EnclosingLeft): EnclosingDeadline {
  return { branch: branchId ?? '', limitMs: BigInt(limitMs), leftMs: BigInt(Math.round(leftMs)) };
}

/** Does it need what runners had not before protocol 1.3? */
export function needsConditions({ job }: Pick<Claim, 'job'>): boolean {
  const all = stepsOf(job);
  return (
    (job.services ?? []).length > 0 ||
    all.some(({ when, deadlineMs }) => when !== undefined || deadlineMs !== undefined)
  );
}

/** Does it need what runners had not before protocol 1.2? One that is older would leave it out without a word. */
export function needsPolicies({ job, deadlineLeftMs }: Pick<Claim, 'job' | 'deadlineLeftMs'>): boolean {
  const { silenceMs, outputs, catch: caught, finally: last, steps } = job;
  return (
    [silenceMs, outputs, caught, last, deadlineLeftMs].some((one) => one !== undefined) ||
    steps.some((step) => step.silenceMs !== undefined || step.allowFailure === true)
  );
}

/** The claim as it reads so much later: what is left of a deadline was told with it. */
export function laterBy(ms: number, claim: Claim): Claim {
  const { deadlineLeftMs } = claim;
  return deadlineLeftMs === undefined ? claim : { ...claim, deadlineLeftMs: deadlineLeftMs - ms };
}

function stepsOfAssignment({ job, stepMsUsed }: Claim): Step[] {
  const kinds = [
    ...job.steps.map(() => StepKind.STEP_KIND_UNSPECIFIED),
    ...(job.catch ?? []).map(() => StepKind.STEP_KIND_CATCH),
    ...(job.finally ?? []).map(() => StepKind.STEP_KIND_FINALLY),
  ];
  return stepsOf(job).map((step, index) => ({
    index,
    name: step.name,
    env: step.env,
    timeoutMs: BigInt(step.timeoutMs ?? 0),
    kind: kinds[index] ?? StepKind.STEP_KIND_UNSPECIFIED,
    silenceMs: BigInt(step.silenceMs ?? 0),
    allowFailure: step.allowFailure === true,
    when: step.when ?? '',
    deadlineMs: BigInt(Math.max(0, Math.round((step.deadlineMs ?? 0) - (stepMsUsed?.[index] ?? 0)))),
    deadlineLimitMs: BigInt(step.deadlineMs ?? 0),
    action:
      step.action.kind === 'run'
        ? { $case: 'run', value: step.action.script }
        : { $case: 'scriptPath', value: step.action.path },
  }));
}

/** The variables that every step has. docs/environment.md lists the same names; a test compares. */
export function environmentOf(claim: Claim): Record<string, string> {
  const { source } = claim;
  const branch = claim.branch ?? branchOf(source.ref);
  const { pullRequest } = claim;
  const tag = source.ref.startsWith('refs/tags/') ? source.ref.slice('refs/tags/'.length) : undefined;
  return {
    CI: 'true',
    CI_NAME: 'solstice',
    CI_RUN_ID: claim.runId,
    CI_RUN_NUMBER: String(claim.runNumber),
    CI_WORKFLOW: claim.workflow,
    CI_JOB_ID: claim.job.id,
    CI_JOB_NAME: claim.job.name,
    CI_POOL: claim.job.runsOn,
    CI_ATTEMPT: String(claim.attemptNumber),
    CI_ATTEMPT_ID: claim.fence.attemptId,
    CI_IDEMPOTENCY_KEY: `${claim.runId}/${claim.nodeId}`,
    CI_FENCE: `${claim.fence.attemptId}@${claim.fence.epoch}`,
    CI_EVENT: claim.trigger.event,
    CI_ACTOR: claim.trigger.actor,
    CI_REPOSITORY: source.repositoryName,
    CI_REF: source.ref,
    CI_COMMIT: source.commit,
    CI_COMMIT_SHORT: source.commit.slice(0, 8),
    ...(source.before === undefined ? {} : { CI_COMMIT_BEFORE: source.before }),
    ...(branch === undefined ? {} : { CI_BRANCH: branch }),
    ...(pullRequest === undefined
      ? {}
      : { CI_PULL_REQUEST: String(pullRequest.number), CI_PULL_REQUEST_BASE: pullRequest.base }),
    ...(tag === undefined ? {} : { CI_TAG: tag }),
    ...matrixEnvironment(claim.job),
  };
}

/** Of a cell of a matrix: which one it is. */
function matrixEnvironment({ matrix }: JobSpec): Record<string, string> {
  if (matrix === undefined) return {};
  const cell = Object.entries(matrix.cell).map(([axis, value]) => [`MATRIX_${environmentNameOf(axis)}`, value]);
  return { CI_JOB_MATRIX: matrix.group, ...Object.fromEntries(cell) };
}

/** Where the job does not get what its workflow says, its log begins with that. */
function notesOf(claim: Claim): string[] {
  const { job, pool } = claim;
  const notes: string[] = [];
  if (pool.name === '*') {
    notes.push(`no host serves the pool "${job.runsOn}"; host ${claim.fence.hostId} took the job`);
  }
  if (pool.backend === 'process' && job.image !== undefined) {
    notes.push(`the image "${job.image}" is not used: on this host jobs run as processes`);
  }
  return notes;
}
