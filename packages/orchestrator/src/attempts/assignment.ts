import { branchOf } from '@solstice/common/forge';
import type { Assignment, Step } from '@solstice/common/rpc';
import type { Claim } from '@solstice/common/store';

export interface RunnerLimits {
  logCapBytes: number;
  spoolCapBytes: number;
  cancelGraceMs: number;
}

/** What the runner is told, made from the claim alone: the same claim gives the same assignment. */
export function assignmentOf(claim: Claim, mirrorPath: string | undefined, limits: RunnerLimits): Assignment {
  const { job, source } = claim;
  return {
    runId: claim.runId,
    attemptId: claim.fence.attemptId,
    jobId: job.id,
    jobName: job.name,
    env: { ...environmentOf(claim), ...job.env },
    steps: job.steps.map(
      (step, index): Step => ({
        index,
        name: step.name,
        env: step.env,
        timeoutMs: BigInt(step.timeoutMs ?? 0),
        action:
          step.action.kind === 'run'
            ? { $case: 'run', value: step.action.script }
            : { $case: 'scriptPath', value: step.action.path },
      }),
    ),
    timeoutMs: BigInt(job.timeoutMs ?? 0),
    source: { commit: source.commit, ref: source.ref, mirrorPath: mirrorPath ?? '' },
    limits: {
      logBytes: BigInt(limits.logCapBytes),
      spoolBytes: BigInt(limits.spoolCapBytes),
      cancelGraceMs: BigInt(limits.cancelGraceMs),
    },
    notes: notesOf(claim),
    exclusive: job.exclusive === true,
  };
}

/** The variables that every step has. docs/environment.md lists the same names; a test compares. */
export function environmentOf(claim: Claim): Record<string, string> {
  const { source } = claim;
  const branch = branchOf(source.ref);
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
    ...(tag === undefined ? {} : { CI_TAG: tag }),
  };
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
