import { assertNever } from '../errors/index.js';
import { describeCause, describeDuration } from './describe-cause.js';
import { graphOf } from './graph.js';
import type { AttemptView, NodeFlow, RunFlow } from './messages.js';
import { nodeOf, nodesOf } from './node-table.js';

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
 * The check of a run. It changes when the run starts, when a job fails, and when the run ends, not with every job that
 * goes well: each change is a request to the forge.
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
  const { succeeded } = run;
  const count = run.spec.nodes.length;
  const total = `${count} ${count === 1 ? 'job' : 'jobs'}`;
  const failures = failuresOf(run);
  switch (run.state) {
    case 'blocked':
      return `Waiting for approval · ${total}`;
    case 'queued':
      return failures === undefined ? `Queued · ${total}` : `Queued · ${failures}`;
    case 'running':
      return failures === undefined ? `Running · ${total}` : `Running · ${failures}`;
    case 'succeeded':
      return `${succeeded} of ${total} succeeded`;
    case 'failed':
      return `${succeeded} of ${total} succeeded · ${failures ?? 'failed'}`;
    case 'cancelled':
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
  const lines = ended ? nodesOf(run).map(nodeLine) : broken(run).map(nodeLine);
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
  return `${outcomeOf(node)}${allowed}${took}${before.join('')}`;
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
