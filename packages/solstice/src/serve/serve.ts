import { setTimeout as delay } from 'node:timers/promises';
import type { Address } from '@solstice/common/config';
import { withQueueMetrics } from '@solstice/common/queue';
import { createSealer, loadKey, type Sealer } from '@solstice/common/secrets';
import { type Store, withStoreMetrics } from '@solstice/common/store';
import { type DataDirectory, openDataDirectory } from '../process/data-directory.js';
import { startHealthListener } from '../process/health-listener.js';
import { openQueue } from '../process/open-queue.js';
import { openStore, untilThere } from '../process/open-store.js';
import { operatorToken } from '../process/operator-token.js';
import type { RunningProcess } from '../process/run-process.js';
import { startTelemetry } from '../process/telemetry.js';
import { describeRoles, type Role } from '../roles/names.js';
import { assertSealingKey } from '../roles/sealing.js';
import { startRoles } from '../roles/start-roles.js';
import { assertFleetSettings, fleetWarnings, sealingRoles } from './required-settings.js';

export interface ServeOptions {
  roles: ReadonlySet<Role>;
  version: string;
  dev: boolean;
  /** Start although there are secrets that this node's key does not open. */
  newSecretKey: boolean;
}

const DEFAULT_HEALTH_LISTEN: Address = { host: '127.0.0.1', port: 8422 };
const READY_LOOK_MS = 50;

/**
 * Some roles, as a node of a fleet: on the PostgreSQL and the RabbitMQ of the settings, which need not be there yet.
 * Gives the line that says that this node is ready.
 */
export async function serve(process: RunningProcess, options: ServeOptions): Promise<string> {
  const { settings, logger, shutdown, health, stopping } = process;
  const { roles } = options;
  const { metrics, tracing } = startTelemetry(process, { version: options.version, roles: [...roles] });
  assertFleetSettings(settings, roles);
  const data = openDataDirectory(settings.dataDirectory);
  shutdown.add('data directory', () => data.release());
  for (const warning of fleetWarnings(settings, roles)) logger.warn(warning);
  const healthUrl = await startHealthListener({
    address: settings.healthListen ?? DEFAULT_HEALTH_LISTEN,
    health,
    metrics,
    shutdown,
  });

  health.starting('the database');
  const url = settings.databaseUrl?.reveal() ?? '';
  const opened = await untilThere(
    () => openStore({ url, newer: 'tolerate', shutdown, logger }),
    stopping,
    (error) => {
      health.starting(`the database: ${error.message}`);
      logger.warn({ err: error }, 'the database is not there yet; waiting for it');
    },
  );
  const store = withStoreMetrics(opened, metrics);
  const queue = withQueueMetrics(await openQueue(settings, process), metrics);

  health.starting('the roles');
  const started = await startRoles(
    { ...process, version: options.version, data, store, queue, metrics, tracing },
    {
      roles,
      sealer: await sealerFor(roles, process, data, store, options),
      operatorToken: roles.has('api') ? operatorToken(settings.operatorTokenFile, data.operatorTokenFile) : undefined,
      dev: options.dev,
      ephemeral: false,
    },
  );
  data.publishAddresses({ public: started.public, operator: started.operator, health: healthUrl });
  health.started();
  // Only now does it say so: each part has done its work once.
  while (!stopping.aborted && (await health.readiness()).status === 'not ready') {
    await delay(READY_LOOK_MS, undefined, { signal: stopping });
  }
  const where = [
    ...(started.public === undefined ? [] : [`public ${started.public}`]),
    ...(started.operator === undefined ? [] : [`operator ${started.operator}`]),
    ...(started.host === undefined ? [] : [`host ${started.host.hostId}, ${started.host.reason}`]),
    `health ${healthUrl}`,
  ];
  logger.info({ roles: [...roles], ...started, health: healthUrl }, 'solstice serves');
  return `Solstice serves ${describeRoles(roles)}: ready (${where.join('; ')})`;
}

/** With the key that all nodes share; a node that has another one does not start, unless that is meant. */
async function sealerFor(
  roles: ReadonlySet<Role>,
  { settings, logger }: RunningProcess,
  data: DataDirectory,
  store: Store,
  options: ServeOptions,
): Promise<Sealer | undefined> {
  if (!sealingRoles.some((role) => roles.has(role))) return undefined;
  const sealer = createSealer(await loadKey(settings.secretKeyFile ?? data.secretKeyFile));
  try {
    await assertSealingKey(store, sealer);
  } catch (error) {
    if (!options.newSecretKey) throw error;
    logger.warn({ err: error }, 'started with a new key; set these secrets again');
  }
  return sealer;
}
