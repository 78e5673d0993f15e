import { SolsticeError } from '../../errors/index.js';
import { type AttemptView, attemptsOf, type FlowEvent, isTerminal, type RunFlow } from '../../flow/index.js';
import type { LogChunkRecord } from '../port/index.js';
import type { AttemptProgress, RunMeta } from '../projection/index.js';
import { EXPORT_VERSION, type ExportedAttempt, type RunExport } from './document.js';

/** As much of all logs of a run as travels with it: the end of each, the newest attempts first. */
export const EXPORTED_LOG_BYTES = 16 * 1024 * 1024;
/** As large as a document may be, as JSON. The API takes more for an import: a file may be indented. */
export const MOST_EXPORT_BYTES = 48 * 1024 * 1024;

/** Was it ended by an export, and is to be given again? */
export function isExported(run: RunFlow): boolean {
  return run.cancelRequested?.because?.kind === 'exported' && isTerminal(run.state);
}

/** How many bytes of each attempt's log travel, by its id. */
export function logShares(
  run: RunFlow,
  logBytes: (attemptId: string) => number,
  inAll: number = EXPORTED_LOG_BYTES,
): Map<string, number> {
  const shares = new Map<string, number>();
  let left = inAll;
  for (const { id } of endedAttempts(run).toReversed()) {
    const share = Math.min(left, logBytes(id));
    shares.set(id, share);
    left -= share;
  }
  return shares;
}

/** Those that began: what was queued until the export has nothing to show. */
export function endedAttempts(run: RunFlow): AttemptView[] {
  return attemptsOf(run).filter(({ state, claimedAt }) => isTerminal(state) && claimedAt !== undefined);
}

/**
 * What travels. `chunks`: the end of each attempt's log, within its share. Of a log in very many small pieces less
 * travels, so that the whole is no larger than may be; what is too large without any log is given as it is. Equal for an
 * exported run however often it is made.
 */
export function exportOf(
  run: RunFlow,
  meta: RunMeta,
  events: readonly FlowEvent[],
  progress: (attemptId: string) => AttemptProgress,
  chunks: (attemptId: string) => readonly LogChunkRecord[],
  mostBytes: number = MOST_EXPORT_BYTES,
): RunExport {
  let document = writtenOf(run, meta, events, progress, chunks);
  if (documentBytes(document) <= mostBytes) return document;
  const bare = writtenOf(run, meta, events, progress, () => []);
  // Known before the logs are cut, as each look at a document takes as long as the document is large.
  if (documentBytes(bare) > mostBytes) return bare;
  let inAll = endedAttempts(run).reduce((sum, { id }) => sum + progress(id).logBytes, 0);
  while (inAll > 0 && documentBytes(document) > mostBytes) {
    inAll = inAll > 1_024 ? Math.floor(Math.min(inAll, EXPORTED_LOG_BYTES) / 4) : 0;
    const shares = logShares(run, (id) => progress(id).logBytes, inAll);
    document = writtenOf(run, meta, events, progress, (id) => tailOf(chunks(id), shares.get(id) ?? 0));
  }
  return document;
}

/** Whole pieces of no more than so many bytes, from the end. */
export function tailOf<Chunk extends { data: Uint8Array }>(
  chunks: readonly Chunk[],
  mostBytes: number,
): readonly Chunk[] {
  let bytes = 0;
  let from = chunks.length;
  for (let chunk = chunks[from - 1]; chunk !== undefined; chunk = chunks[from - 1]) {
    bytes += chunk.data.byteLength;
    if (bytes > mostBytes) break;
    from -= 1;
  }
  return chunks.slice(from);
}

/** As JSON without indentation. Never in one piece: a string has an end, which the events of a large run may be beyond. */
export function documentBytes({ events, ...rest }: RunExport): number {
  const commas = Math.max(0, events.length - 1);
  return events.reduce((sum, event) => sum + bytesOf(event), bytesOf({ ...rest, events: [] }) + commas);
}

/** As JSON without indentation. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function writtenOf(
  run: RunFlow,
  meta: RunMeta,
  events: readonly FlowEvent[],
  progress: (attemptId: string) => AttemptProgress,
  chunks: (attemptId: string) => readonly LogChunkRecord[],
): RunExport {
  const { source, trigger } = meta;
  const intent = run.cancelRequested;
  if (intent === undefined) {
    throw new SolsticeError('internal', `run ${run.runId} is being exported, and goes on here`);
  }
  return {
    format: 'solstice-run',
    version: EXPORT_VERSION,
    exportedAt: new Date(intent.at).toISOString(),
    exportedBy: intent.by,
    run: { id: run.runId, number: meta.number, workflow: run.spec.workflow.name },
    source: {
      forge: source.forge,
      repository: source.repositoryName,
      ref: source.ref,
      commit: source.commit,
      ...(source.before !== undefined && { before: source.before }),
      ...(source.title !== undefined && { title: source.title }),
    },
    trigger,
    checkContext: meta.checkContext,
    events: events as RunExport['events'],
    attempts: endedAttempts(run).map(({ id }) => exportedAttempt(id, progress(id), chunks(id))),
  };
}

function exportedAttempt(id: string, progress: AttemptProgress, chunks: readonly LogChunkRecord[]): ExportedAttempt {
  const missing = progress.logBytes - chunks.reduce((sum, { data }) => sum + data.byteLength, 0);
  const log = missing > 0 ? [leftBehind(progress, chunks, missing), ...chunks] : chunks;
  return {
    id,
    durableSeq: progress.durableSeq,
    steps: progress.steps.flatMap(({ index, state, exitCode, signal, startedAt, endedAt }) =>
      state === 'waiting'
        ? []
        : [
            {
              index,
              state,
              ...(exitCode !== undefined && { exitCode }),
              ...(signal !== undefined && { signal }),
              ...(startedAt && { startedAt: startedAt.toISOString() }),
              ...(endedAt && { endedAt: endedAt.toISOString() }),
            },
          ],
    ),
    log: log.map(({ seq, step, stream, at, data }) => ({
      ...{ seq, step, stream },
      at: at.toISOString(),
      data: Buffer.from(data).toString('base64'),
    })),
  };
}

/** Stands where the last piece was that does not travel, so that nobody takes the rest for the whole. */
function leftBehind(progress: AttemptProgress, chunks: readonly LogChunkRecord[], missing: number): LogChunkRecord {
  const [first] = chunks;
  const text = `[solstice] What was printed before this (${missing} bytes) stayed in the installation that the run comes from.\n`;
  return {
    seq: first === undefined ? progress.durableSeq : first.seq - 1,
    step: first?.step ?? 0,
    stream: 'system',
    at: first?.at ?? progress.steps.findLast(({ endedAt }) => endedAt)?.endedAt ?? new Date(0),
    data: new TextEncoder().encode(text),
  };
}
