import { listOf, numberOf, parseDuration, quote, type Said, textOf } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { readWords } from './read-words.js';
import type { Retry } from './workflow.js';

/** For `retry 2` alone: what the job itself did. Faults of the infrastructure have tries of their own. */
export const DEFAULT_REASONS = ['failed', 'timeout'] as const;

/** A day: a job that is to run tomorrow is another run. */
const mostBackoffMs = 24 * 60 * 60 * 1000;

/** `retry 2 on="infra timeout exit:75" backoff="5s..2m"`. */
export function readRetry(said: Said | undefined, sink: WorkflowSink): Retry | undefined {
  if (said === undefined) return undefined;
  const { node } = said;
  // As a property it has no words of its own: they would be the job's.
  const inner = readWords(said.as === 'child' ? node : { ...node, properties: [] }, 'retry', sink);
  const bare = { ...said, node: { ...node, properties: [], children: undefined } };
  const times = numberOf(bare, { whole: true, most: workflowLimits.retries }, sink);
  const on = readReasons(inner.get('on'), sink);
  const backoff = readBackoff(inner.get('backoff'), sink);
  if (times === undefined) return undefined;
  return { times, on, ...(backoff === undefined ? {} : { backoff }) };
}

function readReasons(said: Said | undefined, sink: WorkflowSink): string[] {
  const reasons = new Set<string>();
  const listed = { what: 'reason', ifEmpty: 'Leave it out for failed and timeout.' };
  for (const { text, value } of listOf(said, listed, sink)) {
    const [, digits] = /^exit:(\d{1,3})$/.exec(text) ?? [];
    const code = digits === undefined ? undefined : Number(digits);
    if (text === 'failed' || text === 'timeout' || text === 'infra') {
      reasons.add(text);
    } else if (code !== undefined && code >= 1 && code <= 255) {
      reasons.add(`exit:${code}`);
    } else {
      const hint =
        code === undefined
          ? 'There are: failed, timeout, infra, and exit:75 for the exit code 75.'
          : 'Exit codes of failures are 1 to 255.';
      sink.error(value.span, 'bad-reason', `${quote(text)} is no reason to retry for`, hint);
    }
  }
  return reasons.size === 0 ? [...DEFAULT_REASONS] : [...reasons];
}

/** `"5s..2m"`; `"10s"` is both ends. */
function readBackoff(said: Said | undefined, sink: WorkflowSink): Retry['backoff'] {
  const text = textOf(said, sink);
  if (text === undefined) return undefined;
  const ends = text.text.split('..');
  const [minMs, maxMs = minMs] = ends.map((end) => parseDuration(end.trim()));
  if (ends.length > 2 || minMs === undefined || maxMs === undefined || (ends.length === 2 && ends[1]?.trim() === '')) {
    const hint = 'Write the shortest and the longest wait: backoff="5s..2m".';
    sink.error(text.value.span, 'bad-duration', `${quote(text.text)} is not a range of durations`, hint);
    return undefined;
  }
  if (minMs > maxMs || maxMs > mostBackoffMs) {
    const message = minMs > maxMs ? 'the shorter wait comes first' : 'a wait before a retry is at most a day';
    const hint = minMs > maxMs ? `Write backoff="${ends[1]}..${ends[0]}".` : 'The longest is "24h".';
    sink.error(text.value.span, 'bad-duration', message, hint);
    return undefined;
  }
  return { minMs, maxMs };
}
