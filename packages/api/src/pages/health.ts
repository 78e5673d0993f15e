import { SolsticeError } from '@solstice/common/errors';
import type { FastifyInstance } from 'fastify';
import type { RunPageDeps } from '../deps.js';

const pingTimeoutMs = 2000;

/** `/healthz`: the process is alive. `/readyz`: it can do its work; 503 says why not. */
export function registerHealth(app: FastifyInstance, deps: RunPageDeps): void {
  app.get('/healthz', { logLevel: 'warn' }, async (_request, reply) => {
    return await reply.header('cache-control', 'no-store').send({ status: 'ok' });
  });

  app.get('/readyz', { logLevel: 'warn' }, async (_request, reply) => {
    const reason = deps.notReady?.() ?? (await storeProblem(deps));
    reply.header('cache-control', 'no-store').code(reason === undefined ? 200 : 503);
    return reason === undefined ? { status: 'ok' } : { status: 'not ready', reason };
  });
}

/** Told to anyone who asks, so without addresses or messages of the driver. */
async function storeProblem(deps: RunPageDeps): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new SolsticeError('database-unavailable', 'No answer in time.')), pingTimeoutMs);
  });
  try {
    await Promise.race([deps.store.ping(), late]);
    return undefined;
  } catch (error) {
    deps.logger.warn({ err: error }, 'the store did not answer a readiness check');
    return 'the database does not answer';
  } finally {
    clearTimeout(timer);
  }
}
