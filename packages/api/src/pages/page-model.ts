import { describeCause, describeDuration, isTerminal, type NodeSpec, stepsOf } from '@solstice/common/flow';
import type { AttemptRecord, NodeRecord, RunDetail, StepRecord } from '@solstice/common/store';
import { openGates } from '../gates/gate-view.js';
import { describeState } from '../runs/describe.js';
import { nodeFacts, runName } from '../runs/node-facts.js';
import { nodeView, unbegunStep } from '../runs/run-view.js';

/** What of a run page changes while it is looked at: the page is made from it, and the `state` event is it. */
export interface PageModel {
  state: string;
  label: string;
  title: string;
  took: string;
  cause: string;
  /** Those that wait for a decision, and the commands that decide them; a line each. */
  gates: string;
  jobs: {
    state: string;
    label: string;
    took: string;
    note: string;
    /** What it is beside that, a line each. */
    facts: string;
    steps: { state: string; label: string; took: string }[];
  }[];
}

export function pageModel(run: RunDetail, now: Date): PageModel {
  const label = describeState(run.state);
  return {
    state: run.state,
    label,
    title: `${label}: ${run.workflow} #${run.number}`,
    took: tookText(run.startedAt?.getTime(), run.endedAt?.getTime(), now),
    cause: runCause(run),
    gates: openGates(run).join('\n'),
    jobs: run.nodes.map((node, index) => jobModel(node, run.spec.nodes[index], now)),
  };
}

/** `run 11 again, asked for by ada`; undefined: it does no other run again. */
export function rerunText({ rerun }: RunDetail): string | undefined {
  return rerun && `${runName({ runId: rerun.of, number: rerun.number })} again, asked for by ${rerun.by}`;
}

function runCause(run: RunDetail): string {
  if (run.cause) return describeCause(run.cause);
  if (run.cancelRequested && !isTerminal(run.state)) {
    const { by, reason } = run.cancelRequested;
    return `cancel asked for by ${by}${reason === undefined ? '' : `: ${reason}`}`;
  }
  return '';
}

function jobModel(node: NodeRecord, spec: NodeSpec | undefined, now: Date): PageModel['jobs'][number] {
  const attempt = node.attempts.at(-1);
  const steps = new Map(attempt?.steps.map((step) => [step.index, step]));
  return {
    state: node.state,
    label: node.kind === 'branch' && node.outputs?.taken ? `took ${node.outputs.taken}` : describeState(node.state),
    took: tookText(attempt?.startedAt, attempt?.endedAt, now),
    note: [...node.attempts.slice(0, -1).map(pastAttempt), jobNote(node, attempt)].filter((text) => text).join(' · '),
    facts: nodeFacts(nodeView(node, spec)).join('\n'),
    steps: Array.from({ length: stepsOf(spec).length }, (_, index) =>
      stepModel(steps.get(index), unbegunStep(node), now),
    ),
  };
}

function pastAttempt(attempt: AttemptRecord): string {
  const why = attempt.cause ? describeCause(attempt.cause) : describeState(attempt.state);
  return `attempt ${attempt.number}: ${why}`;
}

function jobNote(node: NodeRecord, attempt: AttemptRecord | undefined): string {
  const where = attempt?.hostId === undefined ? '' : `on host ${attempt.hostId}`;
  if (node.cause) return [describeCause(node.cause), where].filter((text) => text).join(', ');
  if (node.waitingFor !== undefined) return node.waitingFor;
  return where;
}

function stepModel(
  step: StepRecord | undefined,
  unbegun: string,
  now: Date,
): PageModel['jobs'][number]['steps'][number] {
  const state = step?.state ?? unbegun;
  const exit = step?.exitCode !== undefined && step.exitCode !== 0 ? ` (exit ${step.exitCode})` : '';
  const signal = step?.signal === undefined ? '' : ` (${step.signal})`;
  return {
    state,
    label: `${describeState(state)}${signal || exit}`,
    took: tookText(step?.startedAt?.getTime(), step?.endedAt?.getTime(), now),
  };
}

function tookText(start: number | undefined, end: number | undefined, now: Date): string {
  if (start === undefined) return '';
  const took = describeDuration(Math.max(0, (end ?? now.getTime()) - start));
  return end === undefined ? `for ${took}` : took;
}
