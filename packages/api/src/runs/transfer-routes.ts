import { SolsticeError } from '@solstice/common/errors';
import { isRefusal, type Refusal, type Rerun } from '@solstice/common/flow';
import type { NewRunNumber, RequestKey, RunDetail } from '@solstice/common/store';
import { noTracing, sourceAttributes } from '@solstice/common/telemetry';
import type { FastifyError, FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { OperatorApiDeps } from '../deps.js';
import { parseInput, RefusedError } from '../operator/errors.js';
import { requestKeyOf } from '../operator/request-key.js';
import { exportBodySchema, rerunBodySchema, runRefSchema } from '../requests.js';
import { findRun } from './find-run.js';
import { MOST_IMPORT_BYTES, tooLarge } from './import-limit.js';
import { runDetailView } from './run-view.js';

/** Runs that are made of other runs: done again here, or brought here from another installation. */
export function registerTransferRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const { store, ids, tracing = noTracing } = deps;
  const answer = async (id: string) => ({ run: runDetailView(await findRun(store, id), deps.publicUrl()) });
  /** What was made for this request before. */
  const madeFor = async (requestKey: RequestKey | undefined) =>
    requestKey && (await store.requestKeys.find(requestKey))?.runs[0];

  app.post('/runs/:run/rerun', async (request, reply) => {
    const { run: ref } = parseInput(runRefSchema, request.params);
    const body = parseInput(rerunBodySchema, request.body ?? {});
    const run = await findRun(store, ref);
    const requestKey = requestKeyOf(request, { what: 'rerun', runId: run.id, ...body });
    const made = (await madeFor(requestKey)) ?? (await rerun(run, body, requestKey));
    reply.code(201);
    return await answer(made.id);
  });

  /** Begins a trace: it is asked for by somebody, as a push is, and may come long after the one that it does again. */
  async function rerun(
    run: RunDetail,
    { failed, job, here, by = 'operator' }: z.output<typeof rerunBodySchema>,
    requestKey: RequestKey | undefined,
  ): Promise<NewRunNumber> {
    const which: Rerun =
      job !== undefined ? { kind: 'node', nodeId: job } : { kind: failed === true ? 'failed' : 'all' };
    const span = tracing.span('plan', {
      links: [run.trace],
      attributes: { ...sourceAttributes(run.source), 'solstice.event': 'rerun', 'solstice.rerun.of': run.id },
    });
    let errorType: string | undefined = 'broken-off';
    try {
      const made = await store.runs.rerun({
        ...{ runId: run.id, which: here === true ? { ...which, here } : which, by, requestKey },
        ...{ newRunId: ids.runId(), pageKey: ids.pageKey() },
        ...(span.context && { trace: span.context }),
      });
      errorType = isRefusal(made) ? 'refused' : undefined;
      if (isRefusal(made)) throw refusedOf(made, run, 'done again');
      return made;
    } finally {
      span.end({ errorType });
    }
  }

  app.post('/runs/:run/export', async (request) => {
    const { run: ref } = parseInput(runRefSchema, request.params);
    const { by = 'operator' } = parseInput(exportBodySchema, request.body ?? {});
    const run = await findRun(store, ref);
    const exported = await store.runs.export(run.id, by);
    if (isRefusal(exported)) throw refusedOf(exported, run, 'exported');
    return exported.document;
  });

  const errorHandler = (error: FastifyError): never => {
    throw error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? tooLarge() : error;
  };
  app.post('/runs/import', { bodyLimit: MOST_IMPORT_BYTES, errorHandler }, async (request, reply) => {
    const { body: document } = request;
    const requestKey = requestKeyOf(request, { what: 'import', document });
    const made =
      (await madeFor(requestKey)) ?? (await store.runs.import({ document, pageKey: ids.pageKey(), requestKey }));
    if (isRefusal(made)) throw new RefusedError(`The run cannot be imported: ${made.reason}.`, made.state);
    reply.code(201);
    return await answer(made.id);
  });
}

function refusedOf(refusal: Refusal, run: RunDetail, what: string): SolsticeError {
  const message = `Run ${run.number} cannot be ${what}: ${refusal.reason}`;
  // What cannot be asked of a run in any state is a part of it that is not there.
  return refusal.kind === 'invalid'
    ? new SolsticeError('not-found', message)
    : new RefusedError(message, refusal.state);
}
