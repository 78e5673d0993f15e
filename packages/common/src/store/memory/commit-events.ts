import { SolsticeError } from '../../errors/index.js';
import {
  attemptOf,
  type Command,
  checkOf,
  decide,
  effects,
  evolveAll,
  type FlowEvent,
  graphOf,
  isRefusal,
  type RunFlow,
} from '../../flow/index.js';
import type { CommandOutcome } from '../port/index.js';
import {
  generationOf,
  lastLine,
  leavesGroup,
  needsOf,
  needsText,
  type RunMeta,
  timerChanges,
  touchedBy,
  waitingOf,
  waitingSteps,
} from '../projection/index.js';
import { desireCheck } from './checks.js';
import type { Core } from './core.js';
import type { AttemptRow } from './tables.js';

/** Decides a command and stores what it causes. The one way to change a run. */
export function handle(core: Core, runId: string, command: Command): CommandOutcome {
  const row = core.tables.runs.get(runId);
  if (row === undefined) {
    throw new SolsticeError('not-found', `there is no run ${runId}`);
  }
  const events = decide(row.flow, command, core.now().getTime());
  if (isRefusal(events)) {
    return events;
  }
  if (events.length > 0) {
    commitEvents(core, evolveAll(row.flow, events), row.meta, events, command.kind);
  }
  return { events, state: row.flow };
}

/** Appends, projects, and tells who must hear of it. `run` is the run after the events. */
export function commitEvents(
  core: Core,
  run: RunFlow,
  meta: RunMeta,
  events: readonly FlowEvent[],
  commandKind: Command['kind'],
): void {
  const { tables } = core;
  const row = tables.runs.get(run.runId) ?? { flow: run, meta, events: [] };
  tables.runs.set(run.runId, row);
  const before = row.events.length === 0 ? undefined : row.flow;
  row.flow = run;
  row.events.push(...events);
  const touched = touchedBy(run, events, commandKind);
  for (const attemptId of touched.attemptIds) {
    projectAttempt(core, run, attemptId);
    core.touch(`attempt:${attemptId}`);
  }
  const changed = timerChanges(before, run, touched.nodeIds);
  for (const key of changed.gone) {
    tables.timers.delete(key);
  }
  for (const { key, fireAtMs } of changed.set) {
    tables.timers.set(key, { runId: run.runId, fireAtMs });
    core.touch('timers');
  }
  if (leavesGroup(run)) {
    core.touch('concurrency');
  }
  for (const attemptId of touched.endedAttemptIds) {
    tables.leases.delete(attemptId);
  }
  for (const attemptId of touched.silencedAttemptIds) {
    sayLastLine(core, run, attemptId);
  }
  core.send(effects(run, events), meta.trace);
  desireCheck(core, meta.source, {
    context: meta.checkContext,
    runId: run.runId,
    generation: generationOf(meta.number, before, run),
    desired: checkOf(run, meta),
    trace: meta.trace,
  });
  core.touch(`run:${run.runId}`);
}

/** Makes its row, and has it in the queue while it waits. */
export function projectAttempt(core: Core, run: RunFlow, attemptId: string): void {
  const { attempts, queued } = core.tables;
  const attempt = attemptOf(run, attemptId);
  const job = graphOf(run.spec).job(attempt?.nodeId ?? '');
  if (attempt === undefined || job === undefined) {
    throw new SolsticeError('internal', `run ${run.runId} has no attempt ${attemptId}`);
  }
  if (!attempts.has(attemptId)) {
    const needs = needsText(needsOf(run, attempt));
    const waiting = { ...waitingOf(run, attempt), queuedAt: attempt.queuedAt, needs };
    attempts.set(attemptId, { steps: waitingSteps(job), durableSeq: 0, logBytes: 0, chunks: [], waiting });
  }
  if (attempt.state === 'queued') {
    queued.set(attemptId, run.runId);
  } else {
    queued.delete(attemptId);
  }
}

function sayLastLine(core: Core, run: RunFlow, attemptId: string): void {
  const attempt = attemptOf(run, attemptId);
  const stored = core.tables.attempts.get(attemptId);
  if (attempt === undefined || stored === undefined) {
    return;
  }
  const step = stored.steps.findLast((one) => one.state !== 'waiting')?.index ?? 0;
  appendChunk(stored, lastLine(attempt, stored.durableSeq, step, core.now()));
}

export function appendChunk(row: AttemptRow, chunk: AttemptRow['chunks'][number]): void {
  row.chunks.push(chunk);
  row.durableSeq = chunk.seq;
  row.logBytes += chunk.data.byteLength;
}
