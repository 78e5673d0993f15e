import {
  type AttemptState,
  type AttemptView,
  type CancelIntent,
  type Cause,
  type Decision,
  imageOf,
  type NodeFlow,
  type NodeSpec,
  type NodeState,
  nodeOf,
  nodesOf,
  promptOf,
  type RerunOf,
  type RunFlow,
  waitingFor,
} from '../../flow/index.js';
import type { TraceContext } from '../../telemetry/index.js';
import type { AttemptRecord, NodeRecord, RunDetail, RunSummary, SourceRef, StepRecord } from '../port/index.js';
import { hostAnswers, hostsSay } from './host-answers.js';
import { type Fleet, waitingOf } from './placement.js';
import { settledSteps } from './steps.js';
import { waitsUntil } from './waits.js';

/** What is stored of a run beside its events. */
export interface RunMeta {
  number: number;
  pageKey: string;
  source: SourceRef;
  trigger: { event: string; actor: string };
  deliveryId: string | undefined;
  checkContext: string;
  trace?: TraceContext;
}

/** What is stored of an attempt beside its events. */
export interface AttemptProgress {
  steps: StepRecord[];
  durableSeq: number;
  logBytes: number;
}

/** The number of another run; undefined: it is not here. */
export type NumberOf = (runId: string) => number | undefined;

export function summaryOf(run: RunFlow, meta: RunMeta, numberOf: NumberOf = () => undefined): RunSummary {
  const { rerun } = run;
  const number = rerun && numberOf(rerun.of);
  return {
    id: run.runId,
    number: meta.number,
    workflow: run.spec.workflow.name,
    state: run.state,
    cause: run.cause,
    source: meta.source,
    trigger: meta.trigger,
    pageKey: meta.pageKey,
    deliveryId: meta.deliveryId,
    cancelRequested: run.cancelRequested && cancelOf(run.cancelRequested),
    ...(rerun && { rerun: { ...rerun, ...(number !== undefined && { number }) } }),
    ...(run.held && { held: run.held }),
    createdAt: new Date(run.createdAt),
    startedAt: run.startedAt === undefined ? undefined : new Date(run.startedAt),
    endedAt: run.endedAt === undefined ? undefined : new Date(run.endedAt),
  };
}

/**
 * A whole run as its readers see it. `progress` may lack attempts of which nothing is stored. `fleet`: what the hosts
 * answer to what is queued is worked out here, when somebody asks, so that it is never older than the question, and a
 * claim does not pay for every attempt that waits. Absent: nobody is asked.
 */
export function detailOf(
  run: RunFlow,
  meta: RunMeta,
  progress: (attempt: AttemptView) => AttemptProgress,
  fleet: Fleet | undefined,
  numberOf: NumberOf,
): RunDetail {
  return {
    ...summaryOf(run, meta, numberOf),
    ...(meta.trace && { trace: meta.trace }),
    spec: run.spec,
    nodes: run.spec.nodes.map((spec): NodeRecord => {
      const node = nodeOf(run, spec.id);
      const attempts = node?.attempts ?? [];
      const until = waitsUntil(run, spec.id);
      const { image, prompt } = textsOf(spec, node);
      return {
        id: spec.id,
        name: spec.name,
        kind: spec.kind,
        state: node?.state ?? 'waiting',
        needs: spec.needs,
        ...(spec.branch && { branch: spec.branch }),
        ...(spec.onFailure && { onFailure: spec.onFailure }),
        ...(spec.when !== undefined && { when: spec.when }),
        ...(image !== undefined && { image }),
        ...(prompt !== undefined && { prompt }),
        ...(node?.reusedFrom !== undefined && { reusedFrom: otherRun(node.reusedFrom, numberOf) }),
        cause: node?.cause,
        ...(node?.outputs && { outputs: node.outputs }),
        ...(node?.tolerated && { tolerated: node.tolerated }),
        ...(node?.decisions && { decisions: node.decisions }),
        ...(until !== undefined && { waitsUntil: until }),
        ...answersTo(run, spec.id, attempts.at(-1), fleet),
        attempts: attempts.map((attempt) => attemptRecord(attempt, progress(attempt))),
      };
    }),
  };
}

function textsOf(
  spec: NodeSpec,
  node: NodeFlow | undefined,
): { image: string | undefined; prompt: string | undefined } {
  return { image: imageOf(spec, node), prompt: spec.kind === 'gate' ? promptOf(spec, node) : undefined };
}

function otherRun(runId: string, numberOf: NumberOf): { runId: string; number?: number } {
  const number = numberOf(runId);
  return { runId, ...(number !== undefined && { number }) };
}

/** The runs that this one names. */
export function otherRunsOf(run: RunFlow): string[] {
  const reused = nodesOf(run).flatMap(({ reusedFrom }) => reusedFrom ?? []);
  return [...new Set([...reused, ...(run.rerun === undefined ? [] : [run.rerun.of])])];
}

function answersTo(
  run: RunFlow,
  nodeId: string,
  last: AttemptView | undefined,
  fleet: Fleet | undefined,
): Pick<NodeRecord, 'waitingFor' | 'hostAnswers'> {
  if (last?.state !== 'queued' || fleet === undefined) {
    return { waitingFor: waitingFor(run, nodeId) };
  }
  const waiting = waitingOf(run, last);
  const text = waitingFor(run, nodeId, hostsSay(waiting, fleet));
  const isDue = last.notBefore <= fleet.now.getTime();
  return { waitingFor: text, ...(isDue && { hostAnswers: hostAnswers(waiting, fleet) }) };
}

export function attemptRecord(attempt: AttemptView, progress: AttemptProgress): AttemptRecord {
  const endedAt = attempt.endedAt === undefined ? undefined : new Date(attempt.endedAt);
  return {
    ...attempt,
    steps: settledSteps(progress.steps, { state: attempt.state, endedAt }),
    durableSeq: progress.durableSeq,
    logBytes: progress.logBytes,
  };
}

export function cancelOf(intent: CancelIntent): { by: string; reason?: string; at: Date } {
  return { by: intent.by, ...(intent.reason !== undefined && { reason: intent.reason }), at: new Date(intent.at) };
}

/** What of a stored run comes from its events alone: the same from a replay and from the rows, or one of them is wrong. */
export interface Replayable {
  state: string;
  cause: Cause | undefined;
  cancelRequested: { by: string; reason?: string; at: Date } | undefined;
  createdAt: Date;
  startedAt: Date | undefined;
  endedAt: Date | undefined;
  rerun: RerunOf | undefined;
  held: true | undefined;
  nodes: {
    id: string;
    state: NodeState;
    cause: Cause | undefined;
    outputs: Record<string, string> | undefined;
    tolerated: true | undefined;
    decisions: readonly Decision[] | undefined;
    image: string | undefined;
    prompt: string | undefined;
    reusedFrom: string | undefined;
    waits: boolean;
    attempts: ReplayableAttempt[];
  }[];
}
export type ReplayableAttempt = AttemptView & { state: AttemptState };

export function replayableOfFlow(run: RunFlow): Replayable {
  const { state, cause, cancelRequested, createdAt, startedAt, endedAt, rerun, held } = summaryOf(run, noMeta);
  return {
    ...{ state, cause, cancelRequested, createdAt, startedAt, endedAt, rerun, held },
    nodes: run.spec.nodes.map((spec) => {
      const node = nodeOf(run, spec.id);
      return {
        id: spec.id,
        state: node?.state ?? 'waiting',
        cause: node?.cause,
        outputs: node?.outputs,
        tolerated: node?.tolerated,
        decisions: node?.decisions,
        ...textsOf(spec, node),
        reusedFrom: node?.reusedFrom,
        waits: waitingFor(run, spec.id) !== undefined,
        attempts: [...(node?.attempts ?? [])],
      };
    }),
  };
}

export function replayableOfDetail(run: RunDetail): Replayable {
  const { state, cause, cancelRequested, createdAt, startedAt, endedAt, held } = run;
  const { number: _number, ...rerun } = run.rerun ?? {};
  return {
    ...{ state, cause, cancelRequested, createdAt, startedAt, endedAt, held },
    rerun: run.rerun && (rerun as RerunOf),
    nodes: run.nodes.map((node) => ({
      id: node.id,
      state: node.state,
      cause: node.cause,
      outputs: node.outputs,
      tolerated: node.tolerated,
      decisions: node.decisions,
      image: node.image,
      prompt: node.prompt,
      reusedFrom: node.reusedFrom?.runId,
      waits: node.waitingFor !== undefined,
      attempts: node.attempts.map(({ steps: _steps, durableSeq: _seq, logBytes: _bytes, ...attempt }) => attempt),
    })),
  };
}

const noMeta: RunMeta = {
  number: 0,
  pageKey: '',
  source: {
    repositoryId: '',
    forge: '',
    repositoryName: '',
    cloneUrl: '',
    ref: '',
    commit: '',
    before: undefined,
    title: undefined,
  },
  trigger: { event: '', actor: '' },
  deliveryId: undefined,
  checkContext: '',
};
