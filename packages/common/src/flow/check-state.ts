import { assertNever } from '../errors/index.js';
import { describeCause, describeDuration } from './describe-cause.js';
import { approversText, authorOf, standingOf } from './gate-standing.js';
import { graphOf } from './graph.js';
import { groupText } from './group-text.js';
import type { AttemptView, NodeFlow, RunFlow } from './messages.js';
import { nodeOf, nodesOf } from './node-table.js';
import { promptOf } from './resolved.js';
import type { GateSpec } from './spec.js';
import { waitingFor } from './waiting.js';

/** What a forge should show for (repository, commit, context). */
export interface CheckState {
  state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'timed_out' | 'error';
  /** At most 140 characters. */
  title: string;
  /** Markdown-free text: causes, diagnostics with file:line:col. */
  text: string;
  /** Of the run page; absent for a check without a run. */
  pageKey: string | undefined;
}

export const MAX_TITLE_LENGTH = 140;

/**
 * The check of a run. It changes when the run starts, when a gate opens or somebody says something to it, when a job
 * fails, and when the run ends, not with every job that goes well: each change is a request to the forge.
 */
export function checkOf(run: RunFlow, meta: { pageKey: string }): CheckState {
  return {
    state: stateOf(run),
    title: clip(titleOf(run), MAX_TITLE_LENGTH),
    text: textOf(run),
    pageKey: meta.pageKey,
  };
}

/** Cuts at `limit` UTF-16 units, never inside a character. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) {
    return text;
  }
  return `${text
    .slice(0, limit - 1)
    .replace(/[\uD800-\uDBFF]$/u, '')
    .trimEnd()}…`;
}

function stateOf(run: RunFlow): CheckState['state'] {
  switch (run.state) {
    case 'blocked':
    case 'queued':
      return 'pending';
    case 'running':
      return openGates(run).length > 0 ? 'pending' : 'running';
    case 'succeeded':
      return run.state;
    case 'cancelled':
    case 'superseded':
      return 'cancelled';
    case 'failed': {
      const bad = broken(run);
      if (bad.every((node) => node.state === 'timed_out')) {
        return 'timed_out';
      }
      return bad.every((node) => node.cause?.kind === 'lost' || node.cause?.kind === 'refused') ? 'error' : 'failed';
    }
    default:
      return assertNever(run.state);
  }
}

function titleOf(run: RunFlow): string {
  const again = run.rerun === undefined ? '' : ` · rerun ${run.rerun.generation}`;
  return `${clip(ownTitleOf(run), MAX_TITLE_LENGTH - again.length)}${again}`;
}

function ownTitleOf(run: RunFlow): string {
  const { succeeded } = run;
  const count = run.spec.nodes.length;
  const total = `${count} ${count === 1 ? 'job' : 'jobs'}`;
  const failures = failuresOf(run);
  switch (run.state) {
    case 'blocked':
      return `Waiting for approval · ${total}`;
    case 'queued':
      if (run.held === true) {
        return `Waiting for its turn in ${groupText(run.spec)} · ${total}`;
      }
      return failures === undefined ? `Queued · ${total}` : `Queued · ${failures}`;
    case 'running': {
      const gates = openGates(run);
      const doing = gates.length === 0 ? 'Running' : clip(gatesTitle(run, gates), MAX_TITLE_LENGTH - 60);
      return gates.length > 0 && failures === undefined ? gatesTitle(run, gates) : `${doing} · ${failures ?? total}`;
    }
    case 'succeeded':
      return `${succeeded} of ${total} succeeded`;
    case 'failed':
      return `${succeeded} of ${total} succeeded · ${failures ?? (run.cause === undefined ? 'failed' : describeCause(run.cause))}`;
    case 'cancelled':
      if (run.cause?.kind === 'exported') {
        return `Exported by ${run.cause.by}, to go on elsewhere`;
      }
      return run.cause?.kind === 'cancelled'
        ? `Cancelled by ${run.cause.by}${run.cause.reason === undefined ? '' : `: ${run.cause.reason}`}`
        : `Cancelled · ${succeeded} of ${total} succeeded`;
    case 'superseded':
      return 'Superseded by a newer run';
    default:
      return assertNever(run.state);
  }
}

/** The first failure in full, the others counted. */
function failuresOf(run: RunFlow): string | undefined {
  const [first, ...rest] = broken(run);
  if (first === undefined) {
    return undefined;
  }
  const more = rest.length === 0 ? '' : ` · ${rest.length} more`;
  const room = MAX_TITLE_LENGTH - 40 - more.length;
  return `${clip(outcomeOf(first), room)}${more}`;
}

function textOf(run: RunFlow): string {
  const ended = run.endedAt !== undefined;
  const lines = ended
    ? nodesOf(run).map(nodeLine)
    : [...openGates(run).map(gateLine(run)), ...broken(run).map(nodeLine)];
  if (run.endedAt !== undefined) {
    lines.push(`The run took ${describeDuration(Math.max(0, run.endedAt - run.createdAt))}.`);
  }
  return lines.join('\n');
}

function nodeLine(node: NodeFlow): string {
  const { attempts } = node;
  const last = attempts.at(-1);
  const took =
    last?.startedAt === undefined || last.endedAt === undefined
      ? ''
      : ` (${describeDuration(Math.max(0, last.endedAt - last.startedAt))})`;
  const before = attempts.slice(0, -1).map((attempt) => `\n  ${earlierAttempt(attempt)}`);
  const allowed = node.tolerated === true ? ', which is allowed' : '';
  const reused = node.reusedFrom === undefined ? '' : ', and was not done again';
  return `${outcomeOf(node)}${allowed}${reused}${took}${before.join('')}`;
}

/** `Waiting for approval of release by team:release or user:ada (1 of 2)` */
function gatesTitle(run: RunFlow, [first, ...rest]: readonly OpenGate[]): string {
  if (first === undefined) {
    return '';
  }
  const { node, spec } = first;
  const { approvals } = standingOf(node, spec);
  const count = spec.count === 1 ? '' : ` (${approvals.length} of ${spec.count})`;
  const more = rest.length === 0 ? '' : `, and of ${rest.map((gate) => gate.spec.id).join(', ')}`;
  return `Waiting for approval of ${spec.id}${count} by ${approversText(spec, authorOf(run))}${more}`;
}

function gateLine(run: RunFlow): (gate: OpenGate) => string {
  return ({ spec, node }) => {
    const prompt = promptOf(spec, node);
    return `${spec.id}${prompt === undefined ? '' : ` (${prompt})`} ${waitingFor(run, spec.id) ?? ''}`;
  };
}

interface OpenGate {
  node: NodeFlow;
  spec: GateSpec;
}

/** In the order of the file. A workflow has few gates, however many jobs. */
function openGates(run: RunFlow): OpenGate[] {
  return graphOf(run.spec).gates.flatMap((spec) => {
    const node = nodeOf(run, spec.id);
    return node?.state === 'running' ? [{ node, spec }] : [];
  });
}

function earlierAttempt(attempt: AttemptView): string {
  const why = attempt.cause === undefined ? '' : `: ${describeCause(attempt.cause)}`;
  return `attempt ${attempt.number} was ${attempt.state}${why}`;
}

/** `build failed: step “Test” exited with 3` */
function outcomeOf(node: NodeFlow): string {
  const verb = node.state === 'timed_out' ? 'timed out' : node.state === 'cancelled' ? 'was cancelled' : node.state;
  return `${node.id} ${verb}${node.cause === undefined ? '' : `: ${describeCause(node.cause)}`}`;
}

/** In the order of the file. Kept by the run, because a check is worked out with every command. */
function broken(run: RunFlow): NodeFlow[] {
  const { position } = graphOf(run.spec);
  return run.broken
    .toSorted((a, b) => (position(a) ?? 0) - (position(b) ?? 0))
    .map((id) => nodeOf(run, id))
    .filter((node) => node !== undefined);
}
