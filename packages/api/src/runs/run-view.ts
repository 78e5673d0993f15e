import { type Cause, describeCause, errorKindOf, isTerminal, type NodeSpec, stepsOf } from '@solstice/common/flow';
import { branchOf } from '@solstice/common/forge';
import type { AttemptRecord, NodeRecord, RunDetail, RunSummary, RunWait, StepRecord } from '@solstice/common/store';
import { gateView } from '../gates/gate-view.js';
import type { AttemptInfo, NodeView, RunDetailView, RunSummaryView, StepView } from '../schemas.js';

/** The path of a run's page on the public listener. */
export function runPagePath(pageKey: string): string {
  return `/runs/${pageKey}`;
}

export function runSummaryView(run: RunSummary, publicUrl: string): RunSummaryView {
  const branch = branchOf(run.source.ref);
  return {
    id: run.id,
    number: run.number,
    workflow: run.workflow,
    state: run.state,
    ...(run.cause && causeView(run.cause)),
    source: {
      forge: run.source.forge,
      repository: run.source.repositoryName,
      repositoryId: run.source.repositoryId,
      ref: run.source.ref,
      ...(branch !== undefined && { branch }),
      commit: run.source.commit,
      ...(run.source.before !== undefined && { before: run.source.before }),
      ...(run.source.title !== undefined && { title: run.source.title }),
    },
    trigger: { event: run.trigger.event, actor: run.trigger.actor },
    url: `${publicUrl}${runPagePath(run.pageKey)}`,
    ...(run.deliveryId !== undefined && { deliveryId: run.deliveryId }),
    ...(run.cancelRequested && {
      cancelRequested: { ...run.cancelRequested, at: run.cancelRequested.at.toISOString() },
    }),
    ...(run.rerun && { rerun: run.rerun }),
    ...(run.held && { held: run.held }),
    ...(run.waits && { waits: run.waits.map(waitView) }),
    createdAt: run.createdAt.toISOString(),
    ...(run.startedAt && { startedAt: run.startedAt.toISOString() }),
    ...(run.endedAt && { endedAt: run.endedAt.toISOString() }),
  };
}

function waitView({ until, ...wait }: RunWait): NonNullable<RunSummaryView['waits']>[number] {
  return { ...wait, ...(until && { until: until.toISOString() }) };
}

function takenSide({ kind, outputs }: NodeRecord): Pick<NodeView, 'taken'> {
  const side = kind === 'branch' ? outputs?.taken : undefined;
  return side === 'then' || side === 'else' ? { taken: side } : {};
}

export function runDetailView(run: RunDetail, publicUrl: string): RunDetailView {
  const specs = new Map(run.spec.nodes.map((spec) => [spec.id, spec]));
  return {
    ...runSummaryView(run, publicUrl),
    workflowFile: run.spec.workflow.file,
    ...(run.spec.workflow.sha256 && { workflowSha256: run.spec.workflow.sha256 }),
    nodes: run.nodes.map((node) => nodeView(node, specs.get(node.id))),
  };
}

/**
 * How a step is shown that nothing was heard of. Nothing that has ended waits: what it never came to is passed over with it,
 * and what an earlier run did is not done here.
 */
export function unbegunStep({ state, reusedFrom }: Pick<NodeView, 'state' | 'reusedFrom'>): string {
  if (!isTerminal(state)) return 'waiting';
  return reusedFrom === undefined ? 'skipped' : 'reused';
}

export function nodeView(node: NodeRecord, spec: NodeSpec | undefined): NodeView {
  const job = spec?.kind === 'job' ? spec : undefined;
  return {
    id: node.id,
    name: node.name,
    kind: node.kind,
    ...(spec?.kind === 'gate' && { gate: gateView(node, spec) }),
    state: node.state,
    needs: node.needs,
    ...(node.branch && { branch: node.branch }),
    ...takenSide(node),
    ...(node.onFailure && { onFailure: node.onFailure }),
    ...(node.when !== undefined && { when: node.when }),
    ...(node.reusedFrom && { reusedFrom: node.reusedFrom }),
    ...(node.tolerated && { tolerated: node.tolerated }),
    ...(node.outputs && { outputs: node.outputs }),
    ...(job !== undefined && { runsOn: job.runsOn }),
    ...(node.image !== undefined && { image: node.image }),
    stepNames: stepsOf(spec).map((step) => step.name),
    ...(node.cause && causeView(node.cause)),
    ...(node.waitingFor !== undefined && { waitingFor: node.waitingFor }),
    ...(node.waitsUntil && { waitsUntil: node.waitsUntil.toISOString() }),
    ...(node.hostAnswers && { hostAnswers: node.hostAnswers }),
    attempts: node.attempts.map(attemptView),
  };
}

const iso = (unixMs: number): string => new Date(unixMs).toISOString();

function attemptView(attempt: AttemptRecord): AttemptInfo {
  return {
    id: attempt.id,
    number: attempt.number,
    state: attempt.state,
    pool: attempt.pool,
    ...(attempt.hostId !== undefined && { hostId: attempt.hostId }),
    ...(attempt.cause && causeView(attempt.cause)),
    ...(attempt.cancelRequested && {
      cancelRequested: { ...attempt.cancelRequested, at: iso(attempt.cancelRequested.at) },
    }),
    queuedAt: iso(attempt.queuedAt),
    ...(attempt.claimedAt !== undefined && { claimedAt: iso(attempt.claimedAt) }),
    ...(attempt.startedAt !== undefined && { startedAt: iso(attempt.startedAt) }),
    ...(attempt.endedAt !== undefined && { endedAt: iso(attempt.endedAt) }),
    steps: attempt.steps.map(stepView),
    durableSeq: attempt.durableSeq,
    logBytes: attempt.logBytes,
  };
}

function stepView(step: StepRecord): StepView {
  return {
    index: step.index,
    name: step.name,
    state: step.state,
    ...(step.exitCode !== undefined && { exitCode: step.exitCode }),
    ...(step.signal !== undefined && { signal: step.signal }),
    ...(step.startedAt && { startedAt: step.startedAt.toISOString() }),
    ...(step.endedAt && { endedAt: step.endedAt.toISOString() }),
  };
}

function causeView(cause: Cause): { cause: Cause; errorKind: string; causeText: string } {
  return { cause, errorKind: errorKindOf(cause), causeText: describeCause(cause) };
}
