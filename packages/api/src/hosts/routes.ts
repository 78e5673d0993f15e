import { SolsticeError } from '@solstice/common/errors';
import type { HostRecord } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import { parseInput, RefusedError } from '../operator/errors.js';
import { drainBodySchema, hostBodySchema, idSchema } from '../requests.js';
import { findHost } from './find-host.js';
import { hostDetailView, hostView } from './host-view.js';

/** What operators see of the hosts, and do to them. The host itself hears it from its row. */
export function registerHostRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const { store } = deps;
  const detail = async (host: HostRecord) => ({ host: await hostDetailView(store, host) });

  app.get('/hosts', async () => ({ hosts: (await store.hosts.list()).map(hostView) }));

  app.get('/hosts/:id', async (request) => {
    const { id } = parseInput(idSchema, request.params);
    return await detail(await findHost(store, id));
  });

  app.post('/hosts/:id/drain', async (request) => {
    const { id } = parseInput(idSchema, request.params);
    const { by = 'operator', reason, forMs } = parseInput(drainBodySchema, request.body ?? {});
    await findHost(store, id);
    const host = await store.hosts.setState(id, {
      state: 'draining',
      by,
      ...(reason !== undefined && { reason }),
      ...(forMs !== undefined && { drainForMs: forMs }),
    });
    return await detail(host);
  });

  for (const [action, state] of [
    ['cordon', 'cordoned'],
    ['resume', 'active'],
  ] as const) {
    app.post(`/hosts/:id/${action}`, async (request) => {
      const { id } = parseInput(idSchema, request.params);
      const { by = 'operator', reason } = parseInput(hostBodySchema, request.body ?? {});
      await findHost(store, id);
      return await detail(await store.hosts.setState(id, { state, by, ...(reason !== undefined && { reason }) }));
    });
  }

  app.post('/hosts/:id/remove', async (request) => {
    const { id } = parseInput(idSchema, request.params);
    const { by = 'operator', reason } = parseInput(hostBodySchema, request.body ?? {});
    const host = await findHost(store, id);
    try {
      await store.hosts.remove(id);
    } catch (error) {
      if (!(error instanceof SolsticeError) || error.code !== 'host-alive') throw error;
      const state = host.alive ? host.state : 'gone';
      throw new RefusedError(`Host ${id} cannot be removed: ${error.message}.`, state, error.hint);
    }
    // Its row is gone, so this line is all that stays of who did it.
    deps.logger.info({ hostId: id, by, reason }, 'a host was removed');
    return { removed: id };
  });
}
