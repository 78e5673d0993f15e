import { createHash } from 'node:crypto';
import { registerOperatorApi } from '@solstice/api';
import type { Sealer } from '@solstice/common/secrets';
import type { Planner } from '@solstice/forge-integration';
import { createServer, listen } from '../process/listeners.js';
import type { RoleContext } from './context.js';
import { diagnose } from './doctor.js';
import { forgePorts, triggerOf } from './operator-ports.js';
import { runIds } from './run-ids.js';

export interface OperatorListenerOptions {
  operatorToken: string;
  sealer: Sealer;
  planner: Planner;
  publicUrl: () => string;
  dev: boolean;
  /** How jobs run in this process; undefined: it takes none. */
  backendReason: string | undefined;
}

/** Serves the operator API. Gives its address. */
export async function startOperatorListener(context: RoleContext, options: OperatorListenerOptions): Promise<string> {
  const { settings, store, logger, clock, shutdown, version, tracing } = context;
  const { sealer, planner, publicUrl, dev } = options;
  const app = createServer();
  registerOperatorApi(app, {
    store,
    logger,
    clock,
    version,
    startedAt: clock.now(),
    publicUrl,
    operatorTokenHash: createHash('sha256').update(options.operatorToken).digest(),
    teams: settings.teams,
    forges: forgePorts(settings.forges, publicUrl),
    dev,
    sealSecret: (secret) => sealer.seal(secret),
    ids: runIds,
    trigger: triggerOf(planner),
    tracing,
    doctor: () => diagnose(context, { sealer, backendReason: options.backendReason }),
  });
  return await listen(app, 'operator_listen', settings.operatorListen, shutdown);
}
