import { withQueueMetrics } from '@solstice/common/queue';
import { createSealer, loadKey, loadOrCreateKey } from '@solstice/common/secrets';
import { withStoreMetrics } from '@solstice/common/store';
import { assertNotMoved } from '../move/moved-marker.js';
import { openDataDirectory } from '../process/data-directory.js';
import { startHealthListener } from '../process/health-listener.js';
import { openQueue } from '../process/open-queue.js';
import { openStore, startDatabase } from '../process/open-store.js';
import { operatorToken } from '../process/operator-token.js';
import type { RunningProcess } from '../process/run-process.js';
import { startTelemetry } from '../process/telemetry.js';
import { allRoles } from '../roles/names.js';
import { sealingHealth } from '../roles/sealing.js';
import { startRoles } from '../roles/start-roles.js';

export interface UpOptions {
  version: string;
  /** Webhooks of forges without a secret are believed. */
  dev: boolean;
  /** The end takes running workers away, instead of leaving them to the next start. */
  ephemeral: boolean;
}

/**
 * Every role in this process, on the embedded PostgreSQL and the queue inside the process, unless the settings name
 * others. Gives the line that says so.
 */
export async function up(process: RunningProcess, options: UpOptions): Promise<string> {
  const { settings, logger, shutdown, health } = process;
  const data = openDataDirectory(settings.dataDirectory);
  shutdown.add('data directory', () => data.release());
  const { healthListen, databaseUrl, secretKeyFile } = settings;
  const { metrics, tracing } = startTelemetry(process, { version: options.version, roles: ['up'] });
  const healthUrl =
    healthListen === undefined
      ? undefined
      : await startHealthListener({ address: healthListen, health, metrics, shutdown });

  health.starting('the database');
  if (databaseUrl === undefined) assertNotMoved(data.postgres);
  const url = databaseUrl?.reveal() ?? (await startDatabase(data, shutdown, logger));
  // Of the embedded one this process is the only user: a newer schema there means that an older version was started.
  const newer = databaseUrl === undefined ? 'refuse' : 'tolerate';
  const store = withStoreMetrics(await openStore({ url, newer, shutdown, logger }), metrics);
  const queue = withQueueMetrics(await openQueue(settings, process), metrics);
  const key = secretKeyFile === undefined ? loadOrCreateKey(data.secretKeyFile) : loadKey(secretKeyFile);
  const sealer = createSealer(await key);
  const sealing = await sealingHealth(store, sealer);
  if (!sealing.ok) logger.error(sealing.detail);

  health.starting('the roles');
  const started = await startRoles(
    { ...process, version: options.version, data, store, queue, metrics, tracing },
    {
      roles: allRoles,
      sealer,
      operatorToken: operatorToken(settings.operatorTokenFile, data.operatorTokenFile),
      dev: options.dev,
      ephemeral: options.ephemeral,
    },
  );
  data.publishAddresses({ public: started.public, operator: started.operator, health: healthUrl });
  health.started();
  logger.info({ public: started.public, operator: started.operator, health: healthUrl }, 'solstice is up');
  return `Solstice is up: ${started.public}  (${started.host?.reason})`;
}
