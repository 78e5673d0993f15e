import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { systemClock } from '@solstice/common/clock';
import type { Store } from '@solstice/common/store';
import { createLogger } from '@solstice/common/telemetry';
import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify';
import { createOperatorClient, type OperatorClient } from '../client/client.js';
import type { OperatorApiDeps, RunPageDeps } from '../deps.js';
import { registerOperatorApi } from '../operator/register.js';
import { registerRunPages } from '../pages/register.js';

export interface ServeOptions {
  token?: string;
  operator?: Partial<OperatorApiDeps>;
  pages?: Partial<RunPageDeps>;
  /** For the operator listener; default: any free one. */
  port?: number;
}

export interface Served extends AsyncDisposable {
  publicUrl: string;
  operatorUrl: string;
  token: string;
  client: OperatorClient;
  close(): Promise<void>;
}

/** Both listeners on loopback, as `solstice up` has them. */
export async function serve(store: Store, options: ServeOptions = {}): Promise<Served> {
  const { token = 'a-token-for-tests-0123456789', port = 0 } = options;
  const logger = createLogger({ level: 'silent' });
  const pages = fastify({ loggerInstance: logger as FastifyBaseLogger, forceCloseConnections: true });
  registerRunPages(pages, { store, logger, clock: systemClock, ...options.pages });
  const publicUrl = await listen(pages, 0);
  const operator = fastify({ loggerInstance: logger as FastifyBaseLogger, forceCloseConnections: true });
  registerOperatorApi(operator, {
    store,
    logger,
    clock: systemClock,
    version: '9.9.9',
    startedAt: new Date(),
    publicUrl: () => publicUrl,
    operatorTokenHash: createHash('sha256').update(token).digest(),
    teams: [],
    forges: [
      {
        id: 'local',
        kind: 'git',
        webhookUrl: () => `${publicUrl}/webhooks/local`,
        cloneUrl: () => undefined,
        webhookSecretPlace: undefined,
      },
    ],
    dev: false,
    sealSecret: () => Uint8Array.of(1),
    ids: { runId: randomUUID, pageKey: () => randomBytes(16).toString('base64url') },
    trigger: async () => ({ runs: [], reason: 'nothing to plan' }),
    doctor: async () => [{ name: 'workers', state: 'ok', detail: 'processes' }],
    ...options.operator,
  });
  const operatorUrl = await listen(operator, port);
  const close = async (): Promise<void> => {
    await Promise.all([pages.close(), operator.close()]);
  };
  const client = createOperatorClient({ url: operatorUrl, token });
  return { publicUrl, operatorUrl, token, client, close, [Symbol.asyncDispose]: close };
}

async function listen(app: FastifyInstance, port: number): Promise<string> {
  await app.listen({ host: '127.0.0.1', port });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}
