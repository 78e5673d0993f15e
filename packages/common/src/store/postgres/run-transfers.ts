import { SolsticeError } from '../../errors/index.js';
import { type FlowEvent, graphOf, isRefusal, type Refusal } from '../../flow/index.js';
import type { ImportRequest, LogChunkRecord, NewRunNumber, RunStore } from '../port/index.js';
import { type AttemptProgress, waitingSteps } from '../projection/index.js';
import {
  type ArrivingRun,
  afterExport,
  alreadyHere,
  beforeAllOthers,
  endedAttempts,
  exportOf,
  isExported,
  logShares,
  missingRepository,
  type RunExport,
  sourceOf,
  whyNotExport,
} from '../run-export/index.js';
import { requestsKnown } from '../sql/attempts.js';
import * as logs from '../sql/logs.js';
import { findRepositoryNamed } from '../sql/repositories.js';
import * as runs from '../sql/runs.js';
import { EnteredGroups } from './concurrency.js';
import type { Transaction } from './database.js';
import type { LockedRun, RunCommands } from './run-commands.js';

/** Ends the run here, unless that was done before, and reads all that goes with it. */
export async function exportRun(
  tx: Transaction,
  commands: RunCommands,
  runId: string,
  by: string,
): ReturnType<RunStore['export']> {
  const run = await commands.require(tx, runId);
  const stored = await runs.readEvents(tx, run.flow.runId, 0);
  if (isExported(run.flow)) return { document: await documentOf(tx, run, stored), events: [] };
  const after = afterExport(run.flow, by, tx.now.getTime());
  if (isRefusal(after)) return after;
  const document = await documentOf(tx, { flow: after.flow, meta: run.meta }, [...stored, ...after.events]);
  const outcome = whyNotExport(run.flow, document) ?? (await commands.handle(tx, run, { kind: 'export', by }));
  return isRefusal(outcome) ? outcome : { document, events: outcome.events };
}

/** With all that is stored of its attempts. */
async function documentOf(tx: Transaction, run: LockedRun, events: readonly FlowEvent[]): Promise<RunExport> {
  const ended = endedAttempts(run.flow);
  const progress = await logs.readRunProgress(
    tx,
    ended.map(({ id, nodeId }) => {
      const job = graphOf(run.flow.spec).job(nodeId);
      return { id, waiting: job === undefined ? [] : waitingSteps(job) };
    }),
  );
  const nothing: AttemptProgress = { steps: [], durableSeq: 0, logBytes: 0 };
  const progressOf = (id: string) => progress.get(id) ?? nothing;
  const chunks = new Map<string, LogChunkRecord[]>();
  for (const [id, bytes] of logShares(run.flow, (id) => progressOf(id).logBytes)) {
    chunks.set(id, await logs.readTail(tx, id, bytes));
  }
  return exportOf(run.flow, run.meta, events, progressOf, (id) => chunks.get(id) ?? []);
}

/** Makes its rows here. The repository's row is this installation's own, with the address that it has here. */
export async function importRun(
  tx: Transaction,
  commands: RunCommands,
  arriving: ArrivingRun,
  request: ImportRequest,
): Promise<NewRunNumber | Refusal> {
  const { document, flow, events } = arriving;
  const { pageKey, trace } = request;
  const here = await runs.findRun(tx, { id: flow.runId });
  if (here !== undefined) return alreadyHere(here);
  const repository = await findRepositoryNamed(tx, document.source.forge, document.source.repository);
  if (repository === undefined) throw missingRepository(document.source);
  if (await requestsKnown(tx, endedAttempts(flow))) {
    throw new SolsticeError('usage', `The document of run ${flow.runId} has claims that were made here.`);
  }
  const source = sourceOf(document, repository);
  const entrant = { runId: flow.runId, spec: flow.spec, source };
  const groups = await EnteredGroups.lock(tx, [entrant]);
  const { trigger, checkContext } = document;
  const run = { runId: flow.runId, pageKey, spec: flow.spec, source, trigger, checkContext };
  const traced = trace === undefined ? {} : { trace };
  const number = await runs.insertRun(tx, { ...run, ...traced }, undefined, flow);
  if (number === undefined) {
    // Another import of it was quicker, and has ended by now.
    const other = await runs.findRun(tx, { id: flow.runId });
    return alreadyHere(other ?? { id: flow.runId, number: 0, state: flow.state });
  }
  const meta = { number, pageKey, source, trigger, deliveryId: undefined, checkContext, ...traced };
  await commands.adopt(tx, { flow, meta }, events);
  await groups.join(entrant, beforeAllOthers);
  for (const [attemptId, { durableSeq, steps, chunks }] of arriving.attempts) {
    await logs.insertChunks(tx, attemptId, chunks);
    for (const step of steps) if (step.state !== 'waiting') await logs.changeStep(tx, attemptId, step);
    const addedBytes = chunks.reduce((sum, { data }) => sum + data.byteLength, 0);
    await logs.updateProgress(tx, attemptId, { durableSeq, addedBytes });
  }
  return { id: flow.runId, number, pageKey };
}
