import { SolsticeError } from '@solstice/common/errors';
import { isTerminal } from '@solstice/common/flow';
import type { LogChunkRecord, RunDetail, Store } from '@solstice/common/store';
import type { Cursor } from './cursor.js';
import { LogReaders, type LogSelection } from './log-readers.js';
import { Wakeups } from './wakeups.js';

export interface FollowOptions {
  selection?: LogSelection;
  /** Where the reader stands; what comes after is delivered. Absent: each job from its newest attempt on. */
  after?: Cursor | undefined;
  /** False: what is stored now, then the end. */
  follow: boolean;
  signal: AbortSignal;
  /** Under the change feed, which may lose: how often to look anyway. */
  pollMs?: number;
  /** Tell the reader at least this often, so that it can keep a connection open. */
  idleMs?: number;
  /** Chunks a read: memory is bounded by this times the size of a chunk (64 KiB). */
  batch?: number;
}

export type FollowItem =
  /** The run as it is now: first of all, and whenever it or a step changed. */
  | { kind: 'run'; run: RunDetail; cursor: Cursor }
  | { kind: 'log'; job: string; attempt: number; chunks: LogChunkRecord[]; cursor: Cursor }
  /** Nothing happened for `idleMs`. */
  | { kind: 'idle' }
  /** Everything that was selected is over, and all of it has been delivered. */
  | { kind: 'end'; run: RunDetail };

/** A run is not loaded more often than this, however quickly its logs grow. */
const refreshEveryMs = 250;

/**
 * The state and the logs of a run, live, from any node: jobs side by side, the attempts of one job after each
 * other, each log in the order of its numbers, nothing twice and nothing left out. It reads only when asked for
 * the next item, so a slow reader costs one batch of memory. Rejects with `not-found`. Ends with an `end` item,
 * or without one when the signal says so.
 */
export async function* followRun(store: Store, runId: string, options: FollowOptions): AsyncGenerator<FollowItem> {
  const { follow, signal, pollMs = 2000, idleMs = 15_000, batch = 16 } = options;
  const wakeups = new Wakeups(store.changes);
  const readers = new LogReaders(options.selection ?? {}, options.after);
  let run: RunDetail | undefined;
  let shown = '';
  let stale = true;
  let refreshedAt = Number.NEGATIVE_INFINITY;
  let quietSince = performance.now();

  try {
    wakeups.watch(`run:${runId}`);
    while (!signal.aborted) {
      if (wakeups.take(`run:${runId}`)) stale = true;
      // The state is read before the logs: where it says that an attempt is over, a log read after it is whole.
      if (!run || (stale && performance.now() - refreshedAt >= refreshEveryMs)) {
        stale = false;
        refreshedAt = performance.now();
        run = await store.runs.find({ id: runId });
        if (!run) throw new SolsticeError('not-found', `There is no run ${runId}.`);
        readers.update(run);
        const now = fingerprint(run);
        if (now !== shown) {
          shown = now;
          quietSince = performance.now();
          yield { kind: 'run', run, cursor: readers.cursor() };
        }
      }

      let progressed = false;
      for (const reader of readers.active()) {
        if (signal.aborted) return;
        const topic = `attempt:${reader.attempt.id}` as const;
        wakeups.watch(topic);
        const over = !follow || isTerminal(reader.attempt.state);
        const changed = wakeups.take(topic);
        if (!changed && !over) continue;
        // A change of an attempt may also be a step that began or ended.
        if (changed && follow) stale = true;
        const chunks = await store.logs.read(reader.attempt.id, { afterSeq: reader.seq, limit: batch });
        const last = chunks.at(-1);
        if (last) {
          progressed = true;
          reader.seq = last.seq;
          wakeups.mark(topic);
          quietSince = performance.now();
          yield { kind: 'log', job: reader.job, attempt: reader.attempt.number, chunks, cursor: readers.cursor() };
        } else if (over) {
          progressed = true;
          wakeups.unwatch(topic);
          readers.finish(reader);
        }
      }
      if (progressed) {
        readers.update(run);
        continue;
      }

      if (readers.active().length === 0 && (!follow || isOver(run, options.selection ?? {}))) {
        if (!stale) {
          yield { kind: 'end', run };
          return;
        }
        // One more look, so that the last thing told is how it ended.
        refreshedAt = Number.NEGATIVE_INFINITY;
        continue;
      }
      const untilRefreshMs = stale ? refreshedAt + refreshEveryMs - performance.now() : pollMs;
      const outcome = await wakeups.wait(Math.max(0, Math.min(pollMs, untilRefreshMs)), signal);
      if (outcome === 'timeout' && !stale) wakeups.all();
      if (performance.now() - quietSince >= idleMs) {
        quietSince = performance.now();
        yield { kind: 'idle' };
      }
    }
  } finally {
    wakeups.close();
  }
}

/** Whether nothing that was selected can say anything any more. */
function isOver(run: RunDetail, selection: LogSelection): boolean {
  if (isTerminal(run.state)) return true;
  if (selection.job === undefined) return false;
  const node = run.nodes.find((candidate) => candidate.id === selection.job);
  if (!node || isTerminal(node.state)) return true;
  const attempt = node.attempts.find((candidate) => candidate.number === selection.attempt);
  return attempt !== undefined && isTerminal(attempt.state);
}

/** What a reader would see change; log sizes are not part of it, they change with every chunk. */
function fingerprint(run: RunDetail): string {
  return JSON.stringify([
    run.state,
    run.cancelRequested,
    run.nodes.map((node) => [
      node.state,
      node.waitingFor,
      node.attempts.map((attempt) => [attempt.id, attempt.state, attempt.hostId, attempt.steps]),
    ]),
  ]);
}
