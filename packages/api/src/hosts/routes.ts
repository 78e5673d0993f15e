import type { HostRecord } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { OperatorApiDeps } from '../deps.js';
import type { HostView } from '../schemas.js';

export function registerHostRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  app.get('/hosts', async () => ({ hosts: (await deps.store.hosts.list()).map(hostView) }));
}

function hostView(host: HostRecord): HostView {
  return {
    id: host.id,
    state: host.state,
    alive: host.alive,
    capacity: host.capacity,
    reserved: host.reserved,
    pools: host.pools.map(({ name, backend, image, cpus, memoryBytes }) => ({
      name,
      backend,
      ...(image !== undefined && { image }),
      cpus,
      memoryBytes,
    })),
    notes: host.notes,
    leaseUntil: host.leaseUntil.toISOString(),
    registeredAt: host.registeredAt.toISOString(),
  };
}
