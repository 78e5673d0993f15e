import { SolsticeError } from '../../errors/index.js';
import type { RunFlow } from '../../flow/index.js';
import type { Claim, Fence, PoolOffer, Resources } from '../records.js';
import type { RunMeta } from './run-detail.js';

/** What a worker's row says of its claim. */
export interface ClaimedWorker {
  id: string;
  fence: Fence;
  offer: PoolOffer;
  resources: Resources;
}

/** What the host is told of its claim; the same words each time it asks. */
export function claimFor(run: RunFlow, meta: RunMeta, worker: ClaimedWorker, repeated: boolean): Claim {
  const attempt = run.attempts[worker.fence.attemptId];
  const job = run.spec.nodes.find((node) => node.id === attempt?.nodeId);
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
    repeated,
    started: attempt.state === 'running',
    queuedAt: new Date(attempt.queuedAt),
    claimedAt: new Date(attempt.claimedAt ?? attempt.queuedAt),
    ...(meta.trace !== undefined && { trace: meta.trace }),
  };
}
