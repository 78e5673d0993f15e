import { SolsticeError } from '@solstice/common/errors';
import type { FastifyInstance } from 'fastify';
import { registerDeadLetterRoutes } from '../dead-letters/routes.js';
import { registerDeliveryRoutes } from '../deliveries/routes.js';
import type { OperatorApiDeps } from '../deps.js';
import { registerGateRoutes } from '../gates/routes.js';
import { registerHostRoutes } from '../hosts/routes.js';
import { registerLogRoutes } from '../logs/routes.js';
import { registerRepositoryRoutes } from '../repositories/routes.js';
import { registerRunRoutes } from '../runs/routes.js';
import { registerTransferRoutes } from '../runs/transfer-routes.js';
import { registerScheduleRoutes } from '../schedules/routes.js';
import { requireToken } from './auth.js';
import { answerErrors } from './errors.js';
import { registerStatusRoutes } from './status.js';

/** The operator API under /api/v1: for the loopback listener, behind its token. */
export function registerOperatorApi(app: FastifyInstance, deps: OperatorApiDeps): void {
  void app.register(
    async (api) => {
      api.addHook('onRequest', requireToken(deps.operatorTokenHash));
      api.addHook('onRequest', async (_request, reply) => {
        void reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
      });
      api.setErrorHandler(answerErrors(deps.logger));
      api.setNotFoundHandler(async (request) => {
        throw new SolsticeError('not-found', `There is no ${request.method} ${request.url.split('?')[0]}.`, {
          hint: 'ciadm and the server may be of different versions.',
        });
      });
      registerStatusRoutes(api, deps);
      registerRunRoutes(api, deps);
      registerTransferRoutes(api, deps);
      registerGateRoutes(api, deps);
      registerLogRoutes(api, deps);
      registerHostRoutes(api, deps);
      registerRepositoryRoutes(api, deps);
      registerDeliveryRoutes(api, deps);
      registerDeadLetterRoutes(api, deps);
      registerScheduleRoutes(api, deps);
    },
    { prefix: '/api/v1' },
  );
}
