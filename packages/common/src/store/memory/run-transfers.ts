import { SolsticeError } from '../../errors/index.js';
import { attemptsOf, checkOf, type FlowEvent, isRefusal, type Refusal, timersOf } from '../../flow/index.js';
import type { ImportRequest, NewRun, NewRunNumber } from '../port/index.js';
import type { RunMeta } from '../projection/index.js';
import {
  type ArrivingRun,
  afterExport,
  alreadyHere,
  beforeAllOthers,
  exportOf,
  isExported,
  logShares,
  messagesOf,
  missingRepository,
  type RunExport,
  sourceOf,
  tailOf,
  whyNotExport,
} from '../run-export/index.js';
import { desireCheck } from './checks.js';
import { handle, projectAttempt } from './commit-events.js';
import { enterGroup } from './concurrency.js';
import type { Core } from './core.js';
import type { RunRow } from './tables.js';

export function requireRun(core: Core, runId: string): RunRow {
  const row = core.tables.runs.get(runId);
  if (row === undefined) {
    throw new SolsticeError('not-found', `there is no run ${runId}`);
  }
  return row;
}

/** Gives it the next number. */
export function nameRun(core: Core, run: Omit<NewRun, 'spec' | 'origin'>, deliveryId: string | undefined): RunMeta {
  core.lastRunNumber += 1;
  const { runId, pageKey, source, trigger, checkContext, trace } = run;
  const number = core.lastRunNumber;
  core.tables.runIdsByNumber.set(number, runId);
  core.tables.runIdsByPageKey.set(pageKey, runId);
  return { number, pageKey, source, trigger, deliveryId, checkContext, ...(trace !== undefined && { trace }) };
}

/** Ends the run here, unless that was done before, and reads all that goes with it. */
export function exportRun(
  core: Core,
  runId: string,
  by: string,
): { document: RunExport; events: FlowEvent[] } | Refusal {
  const row = requireRun(core, runId);
  if (isExported(row.flow)) {
    return { document: documentOf(core, row), events: [] };
  }
  const after = afterExport(row.flow, by, core.now().getTime());
  if (isRefusal(after)) {
    return after;
  }
  const document = documentOf(core, { ...row, flow: after.flow, events: [...row.events, ...after.events] });
  const outcome = whyNotExport(row.flow, document) ?? handle(core, runId, { kind: 'export', by });
  // Made again: the clock may have gone on in between.
  return isRefusal(outcome) ? outcome : { document: documentOf(core, row), events: outcome.events };
}

/** With all that is stored of its attempts. */
function documentOf(core: Core, row: RunRow): RunExport {
  const rowOf = (id: string) => core.tables.attempts.get(id) ?? { steps: [], durableSeq: 0, logBytes: 0, chunks: [] };
  const shares = logShares(row.flow, (id) => rowOf(id).logBytes);
  return exportOf(row.flow, row.meta, row.events, rowOf, (id) => tailOf(rowOf(id).chunks, shares.get(id) ?? 0));
}

/** Makes its rows here. The repository's row is this installation's own, with the address that it has here. */
export function importRun(core: Core, arriving: ArrivingRun, request: ImportRequest): NewRunNumber | Refusal {
  const { document, flow, events } = arriving;
  const { pageKey, trace } = request;
  const { tables } = core;
  const here = tables.runs.get(flow.runId);
  if (here !== undefined) {
    return alreadyHere({ id: flow.runId, number: here.meta.number, state: here.flow.state });
  }
  const { forge, repository: name } = document.source;
  const repository = [...tables.repositories.values()].find((row) => row.forge === forge && row.name === name);
  if (repository === undefined) {
    throw missingRepository(document.source);
  }
  const source = sourceOf(document, repository);
  const { trigger, checkContext } = document;
  const traced = trace === undefined ? {} : { trace };
  const meta = nameRun(core, { runId: flow.runId, pageKey, source, trigger, checkContext, ...traced }, undefined);
  tables.runs.set(flow.runId, { flow, meta, events: [...events] });
  enterGroup(core, { runId: flow.runId, spec: flow.spec, source }, beforeAllOthers).join();
  for (const attempt of attemptsOf(flow)) {
    projectAttempt(core, flow, attempt.id);
    const row = tables.attempts.get(attempt.id);
    const arrived = arriving.attempts.get(attempt.id);
    if (row !== undefined && arrived !== undefined) {
      const { durableSeq, steps, chunks } = arrived;
      const logBytes = chunks.reduce((sum, { data }) => sum + data.byteLength, 0);
      Object.assign(row, { durableSeq, steps, chunks, logBytes });
    }
  }
  for (const { key, fireAtMs } of timersOf(flow)) {
    tables.timers.set(key, { runId: flow.runId, fireAtMs });
  }
  core.touch('timers');
  core.send(messagesOf(flow, events), trace);
  desireCheck(core, source, {
    context: checkContext,
    runId: flow.runId,
    generation: meta.number,
    desired: checkOf(flow, meta),
    trace,
  });
  core.touch(`run:${flow.runId}`);
  return { id: flow.runId, number: meta.number, pageKey };
}
