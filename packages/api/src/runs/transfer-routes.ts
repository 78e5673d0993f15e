import { SolsticeError } from '@solstice/common/errors';
import { isRefusal, type Refusal, type Rerun } from '@solstice/common/flow';
import type { RunDetail } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import { parseInput, RefusedError } from '../operator/errors.js';
import { exportBodySchema, rerunBodySchema, runRefSchema } from '../requests.js';
import { findRun } from './find-run.js';
import { runDetailView } from './run-view.js';

/** As much as a run that was exported can be: its logs are cut to 16 MiB, which are a third more as text. */
const documentBytes = 64 * 1024 * 1024;

/** Runs that are made of other runs: done again here, or brought here from another installation. */
export function registerTransferRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const { store, ids } = deps;
  const answer = async (id: string) => ({ run: runDetailView(await findRun(store, id), deps.publicUrl()) });

  app.post('/runs/:run/rerun', async (request, reply) => {
    const { run: ref } = parseInput(runRefSchema, request.params);
    const { failed, job, by = 'operator' } = parseInput(rerunBodySchema, request.body ?? {});
    const run = await findRun(store, ref);
    const which: Rerun =
      job !== undefined ? { kind: 'node', nodeId: job } : { kind: failed === true ? 'failed' : 'all' };
    const made = await store.runs.rerun({ runId: run.id, which, newRunId: ids.runId(), pageKey: ids.pageKey(), by });
    if (isRefusal(made)) throw refusedOf(made, run, 'done again');
    reply.code(201);
    return await answer(made.id);
  });

  app.post('/runs/:run/export', async (request) => {
    const { run: ref } = parseInput(runRefSchema, request.params);
    const { by = 'operator' } = parseInput(exportBodySchema, request.body ?? {});
    const run = await findRun(store, ref);
    const document = await store.runs.export(run.id, by);
    if (isRefusal(document)) throw refusedOf(document, run, 'exported');
    return document;
  });

  app.post('/runs/import', { bodyLimit: documentBytes }, async (request, reply) => {
    const made = await store.runs.import({ document: request.body, pageKey: ids.pageKey() });
    if (isRefusal(made)) throw new RefusedError(`The run cannot be imported: ${made.reason}.`, made.state);
    reply.code(201);
    return await answer(made.id);
  });
}

function refusedOf(refusal: Refusal, run: RunDetail, what: string): SolsticeError {
  const message = `Run ${run.number} cannot be ${what}: ${refusal.reason}`;
  return refusal.kind === 'invalid' ? new SolsticeError('usage', message) : new RefusedError(message, refusal.state);
}
