import { SolsticeError } from '@solstice/common/errors';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import { parseInput, RefusedError } from '../operator/errors.js';
import { requestKeyOf } from '../operator/request-key.js';
import { findRepository } from '../repositories/find-repository.js';
import { cancelBodySchema, runListQuerySchema, runRefSchema, triggerBodySchema } from '../requests.js';
import { runStateSchema } from '../schemas.js';
import { findRun } from './find-run.js';
import { runDetailView, runPagePath, runSummaryView } from './run-view.js';
import { turnOf } from './turn.js';
import { explain } from './why.js';

export function registerRunRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const { store } = deps;

  app.get('/runs', async (request) => {
    const query = parseInput(runListQuerySchema, request.query);
    const repository = query.repository === undefined ? undefined : await findRepository(store, query.repository);
    const states = query.state?.split(/[ ,]+/).filter((word) => word !== '');
    for (const state of states ?? []) {
      if (runStateSchema.safeParse(state).success) continue;
      const hint = `The states of a run: ${runStateSchema.options.join(', ')}.`;
      throw new SolsticeError('usage', `There is no state "${state}".`, { hint });
    }
    const runs = await store.runs.list({
      limit: query.limit ?? 20,
      ...(repository && { repositoryId: repository.id }),
      ...(states && { states }),
      ...(query.waiting === true && { waiting: true }),
      ...(query.before !== undefined && { beforeNumber: query.before }),
    });
    return { runs: runs.map((run) => runSummaryView(run, deps.publicUrl())) };
  });

  app.get('/runs/:run', async (request) => {
    const run = await findRun(store, parseInput(runRefSchema, request.params).run);
    return runDetailView(run, deps.publicUrl());
  });

  app.get('/runs/:run/events', async (request) => {
    const run = await findRun(store, parseInput(runRefSchema, request.params).run);
    return { events: await store.runs.events(run.id) };
  });

  app.get('/runs/:run/why', async (request) => {
    const run = await findRun(store, parseInput(runRefSchema, request.params).run);
    const [hosts, checks] = await Promise.all([store.hosts.list(), store.checks.list({ runId: run.id, limit: 20 })]);
    return explain(run, hosts, checks, deps.publicUrl(), await turnOf(store, run));
  });

  app.post('/runs/:run/cancel', async (request) => {
    const { run: ref } = parseInput(runRefSchema, request.params);
    const { reason, by = 'operator' } = parseInput(cancelBodySchema, request.body ?? {});
    const run = await findRun(store, ref);
    const outcome = await store.runs.command(run.id, {
      kind: 'cancel',
      by,
      ...(reason !== undefined && { reason }),
    });
    if ('refused' in outcome) {
      throw new RefusedError(`Run ${run.number} cannot be cancelled: ${outcome.reason}`, outcome.state);
    }
    return { run: runDetailView(await findRun(store, run.id), deps.publicUrl()) };
  });

  app.post('/trigger', async (request, reply) => {
    const body = parseInput(triggerBodySchema, request.body ?? {});
    const repository = await findRepository(store, body.repository);
    const outcome = await deps.trigger({
      requestKey: requestKeyOf(request, { what: 'trigger', ...body, repository: repository.id }),
      repositoryId: repository.id,
      ref: body.ref,
      commit: body.commit,
      workflow: body.workflow,
      inputs: body.inputs,
      actor: body.by ?? 'operator',
    });
    reply.code(outcome.runs.length > 0 ? 201 : 200);
    return {
      runs: outcome.runs.map(({ id, number, pageKey }) => ({
        id,
        number,
        url: `${deps.publicUrl()}${runPagePath(pageKey)}`,
      })),
      ...(outcome.reason !== undefined && { reason: outcome.reason }),
    };
  });
}
