import { SolsticeError } from '../../errors/index.js';
import {
  attemptOf,
  conditionContextOf,
  deadlineOf,
  graphOf,
  needResultsOf,
  nodeOf,
  type ResolvedJob,
  type RunFlow,
  resolvedJobOf,
  stepsOf,
} from '../../flow/index.js';
import type { Claim, Fence, NeedResult, PoolOffer, Resources } from '../port/index.js';
import type { RunMeta } from './run-detail.js';

/** What a worker's row says of its claim. */
export interface ClaimedWorker {
  id: string;
  fence: Fence;
  offer: PoolOffer;
  resources: Resources;
}

/** What the host is told of its claim; the same words each time it asks. `used`: see `stepMsUsed`. */
export function claimFor(
  run: RunFlow,
  meta: RunMeta,
  worker: ClaimedWorker,
  used: Record<number, number> | undefined,
  repeated: boolean,
  now: Date,
): Claim {
  const deadlineAt = deadlineOfAttempt(run, worker.fence.attemptId);
  const attempt = attemptOf(run, worker.fence.attemptId);
  const job = resolvedJobOf(run, attempt?.nodeId ?? '');
  if (attempt === undefined || job === undefined) {
    throw new SolsticeError('internal', `run ${run.runId} has no attempt ${worker.fence.attemptId}`);
  }
  return {
    fence: worker.fence,
    workerId: worker.id,
    runId: run.runId,
    runNumber: meta.number,
    nodeId: attempt.nodeId,
    attemptNumber: attempt.number,
    job,
    pool: worker.offer,
    resources: worker.resources,
    source: meta.source,
    trigger: meta.trigger,
    workflow: run.spec.workflow.name,
    ...branchesIn(run.spec.values),
    repeated,
    started: attempt.state === 'running',
    queuedAt: new Date(attempt.queuedAt),
    claimedAt: new Date(attempt.claimedAt ?? attempt.queuedAt),
    needs: needResults(run, job),
    ...conditionsOf(run, job),
    ...(used !== undefined && { stepMsUsed: used }),
    ...(deadlineAt !== undefined && { deadlineLeftMs: Math.max(0, deadlineAt - now.getTime()) }),
    ...(meta.trace !== undefined && { trace: meta.trace }),
  };
}

/** By the names that expressions have for them, with the values of nothing for what the event has not. */
function branchesIn(values: RunFlow['spec']['values'] = {}): Pick<Claim, 'branch' | 'pullRequest'> {
  const { branch, 'pull_request.number': number, 'pull_request.base': base } = values;
  return {
    ...(typeof branch === 'string' && branch !== '' && { branch }),
    ...(typeof number === 'number' && number > 0 && { pullRequest: { number, base: String(base ?? '') } }),
  };
}

function deadlineOfAttempt(run: RunFlow, attemptId: string): number | undefined {
  const node = nodeOf(run, attemptOf(run, attemptId)?.nodeId ?? '');
  return node && deadlineOf(node, graphOf(run.spec).spec(node.id));
}

function needResults(run: RunFlow, job: ResolvedJob): Record<string, NeedResult> {
  return Object.fromEntries(
    Object.entries(needResultsOf(run, job.id)).map(([id, { result, reason, outputs }]) => [
      id,
      { result, ...(reason !== '' && { reason }), outputs },
    ]),
  );
}

function conditionsOf(run: RunFlow, job: ResolvedJob): Pick<Claim, 'conditions'> {
  if (stepsOf(job).every(({ when }) => when === undefined)) {
    return {};
  }
  return { conditions: { context: conditionContextOf(run, job.id), changed: run.spec.changed ?? {} } };
}
