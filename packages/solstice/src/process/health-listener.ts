import type { Address } from '@solstice/common/config';
import type { Metrics } from '@solstice/common/telemetry';
import type { FastifyInstance } from 'fastify';
import type { Health } from './health.js';
import { createServer, listen } from './listeners.js';
import type { Shutdown } from './shutdown.js';

export interface HealthListenerOptions {
  address: Address;
  health: Health;
  metrics: Pick<Metrics, 'text' | 'contentType'>;
  shutdown: Shutdown;
}

/** Serves health and metrics from before the first part starts until after the last has stopped. Gives its address. */
export async function startHealthListener({
  address,
  health,
  metrics,
  shutdown,
}: HealthListenerOptions): Promise<string> {
  const app = createServer();
  registerHealthRoutes(app, health, metrics);
  shutdown.announce(() => health.stopping());
  return await listen(app, 'health_listen', address, shutdown);
}

/**
 * `/livez`: 200 while nothing in the process has died; that it answers at all says that its event loop turns.
 * `/readyz`: 200 `ready` or `degraded`, 503 `not ready`; each part with its own word. `/metrics`: for Prometheus.
 */
export function registerHealthRoutes(
  app: FastifyInstance,
  health: Health,
  metrics: Pick<Metrics, 'text' | 'contentType'>,
): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });
  app.get('/livez', async (_request, reply) => {
    const dead = health.dead();
    return await reply.code(dead === undefined ? 200 : 503).send({ status: dead ?? 'alive' });
  });
  app.get('/readyz', async (_request, reply) => {
    const readiness = await health.readiness();
    return await reply.code(readiness.status === 'not ready' ? 503 : 200).send(readiness);
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}
