import { SolsticeError } from '@solstice/common/errors';
import type { CheckRecord, Delivery } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import { parseInput } from '../operator/errors.js';
import { checkListQuerySchema, deliveryListQuerySchema, idSchema } from '../requests.js';
import { findRun } from '../runs/find-run.js';
import type { CheckView, DeliveryView } from '../schemas.js';

/** What came from the forges, and what they are to be told. */
export function registerDeliveryRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const { store } = deps;

  app.get('/deliveries', async (request) => {
    const { state, limit = 20 } = parseInput(deliveryListQuerySchema, request.query);
    const [deliveries, repositories] = await Promise.all([
      store.deliveries.list({ limit, ...(state && { state }) }),
      store.repositories.list(),
    ]);
    const names = new Map(repositories.map(({ id, name }) => [id, name]));
    return { deliveries: deliveries.map((delivery) => deliveryView(delivery, names.get(delivery.repositoryId))) };
  });

  app.get('/deliveries/:id', async (request): Promise<DeliveryView> => {
    const { id } = parseInput(idSchema, request.params);
    const delivery = await store.deliveries.get(id);
    if (!delivery) {
      throw new SolsticeError('not-found', `There is no delivery ${id}.`, { hint: 'ciadm webhooks list shows them.' });
    }
    const repository = await store.repositories.get(delivery.repositoryId);
    return { ...deliveryView(delivery, repository?.name), ...(delivery.event && { event: delivery.event }) };
  });

  app.get('/checks', async (request) => {
    const { run, commit, pending, limit = 50 } = parseInput(checkListQuerySchema, request.query);
    const checks = await store.checks.list({
      limit,
      ...(run !== undefined && { runId: (await findRun(store, run)).id }),
      ...(commit !== undefined && { commit }),
      ...(pending && { pendingOnly: true }),
    });
    return { checks: checks.map(checkView) };
  });
}

function deliveryView(delivery: Delivery, repository: string | undefined): DeliveryView {
  return {
    id: delivery.id,
    forge: delivery.forge,
    forgeDeliveryId: delivery.forgeDeliveryId,
    eventName: delivery.eventName,
    repositoryId: delivery.repositoryId,
    ...(repository !== undefined && { repository }),
    state: delivery.state,
    ...(delivery.reason !== undefined && { reason: delivery.reason }),
    tries: delivery.tries,
    ...(delivery.nextTryAt && { nextTryAt: delivery.nextTryAt.toISOString() }),
    receivedAt: delivery.receivedAt.toISOString(),
    runIds: delivery.runIds,
  };
}

function checkView(check: CheckRecord): CheckView {
  return {
    id: check.id,
    forge: check.forge,
    repository: check.repositoryName,
    commit: check.commit,
    context: check.context,
    ...(check.runId !== undefined && { runId: check.runId }),
    desired: { state: check.desired.state, title: check.desired.title, text: check.desired.text },
    desiredVersion: check.desiredVersion,
    sentVersion: check.sentVersion,
    tries: check.tries,
    ...(check.nextTryAt && { nextTryAt: check.nextTryAt.toISOString() }),
    ...(check.lastError !== undefined && { lastError: check.lastError }),
  };
}
