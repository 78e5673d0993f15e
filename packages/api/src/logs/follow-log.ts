import { SolsticeError } from '@solstice/common/errors';
import { parseAttemptId } from '@solstice/common/flow';
import type { LogChunkRecord, Store } from '@solstice/common/store';
import { followRun } from './follow-run.js';

/**
 * The log of one attempt from a record on, live, until the attempt is over and all of it has been delivered.
 * `attemptId` is `<run id>/<job>/<number>`. Rejects with `not-found`.
 */
export async function* followLog(
  store: Store,
  attemptId: string,
  options: { afterSeq: number; signal: AbortSignal; pollMs?: number },
): AsyncGenerator<LogChunkRecord> {
  const parts = parseAttemptId(attemptId);
  if (!parts) throw new SolsticeError('not-found', `There is no attempt ${attemptId}.`);
  const { runId, nodeId: job, number: attempt } = parts;
  const items = followRun(store, runId, {
    selection: { job, attempt },
    after: new Map([[job, { attempt, seq: options.afterSeq }]]),
    follow: true,
    signal: options.signal,
    ...(options.pollMs !== undefined && { pollMs: options.pollMs }),
  });
  for await (const item of items) {
    if (item.kind === 'log') yield* item.chunks;
  }
}
