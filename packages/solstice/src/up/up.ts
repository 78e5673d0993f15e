import { createHash } from 'node:crypto';
import { registerOperatorApi, registerRunPages } from '@solstice/api';
import type { Settings } from '@solstice/common/config';
import { createInProcessQueue } from '@solstice/common/queue';
import { createSealer, loadOrCreateKey } from '@solstice/common/secrets';
import type { Logger } from '@solstice/common/telemetry';
import { registerWebhooks } from '@solstice/forge-integration';
import { openDataDirectory } from '../process/data-directory.js';
import { createServer, listen } from '../process/listeners.js';
import { openStore } from '../process/open-store.js';
import type { Shutdown } from '../process/shutdown.js';
import { diagnose } from '../roles/doctor.js';
import { createForgeRole } from '../roles/forge.js';
import { startHostRole } from '../roles/host.js';
import { forgePorts, triggerOf } from '../roles/operator-ports.js';

export interface UpOptions {
  settings: Settings;
  version: string;
  /** Webhooks of forges without a secret are believed. */
  dev: boolean;
  /** The end takes running workers away, instead of leaving them to the next start. */
  ephemeral: boolean;
  logger: Logger;
  shutdown: Shutdown;
  onCrash(error: Error): void;
}

export interface Up {
  publicUrl: string;
  operatorUrl: string;
  /** How jobs run here, and why. */
  reason: string;
}

/**
 * Every role in this process. What was started is in `shutdown`, also when this rejects half way.
 * The order matters: webhooks are taken (and only stored) before anything works on them, and the last thing to start
 * is the first to stop.
 */
export async function up(options: UpOptions): Promise<Up> {
  const { settings, logger, shutdown, onCrash, dev } = options;
  const startedAt = new Date();
  const clock = () => new Date();
  for (const warning of settings.warnings) logger.warn(warning);
  const data = openDataDirectory(settings.dataDirectory);
  shutdown.add('data directory', () => data.release());
  const store = await openStore(settings, data, shutdown, logger);
  const queue = createInProcessQueue({ logger });
  shutdown.add('queue', () => queue.close());
  const sealer = createSealer(await loadOrCreateKey(data.secretKeyFile));

  let publicUrl = settings.publicUrl ?? '';
  let notReady: string | undefined = 'starting';
  const forgeRole = await createForgeRole({
    settings,
    dataDirectory: data.path,
    store,
    queue,
    sealer,
    dev,
    publicUrl: () => publicUrl,
    shutdown,
    logger,
    onCrash: (error, part) => {
      logger.fatal({ err: error, crashed: part }, 'a part ended that must not end');
      onCrash(error);
    },
  });

  const publicApp = createServer();
  registerWebhooks(publicApp, { store, forges: forgeRole.forges, sealer, logger, allowUnsigned: dev });
  registerRunPages(publicApp, { store, logger, clock, notReady: () => notReady });
  const publicAddress = await listen(publicApp, 'listen', settings.listen, shutdown);
  publicUrl = settings.publicUrl ?? publicAddress;

  const { reason } = await startHostRole({
    settings,
    directory: data.host,
    store,
    queue,
    shutdown,
    logger,
    destroyWorkers: options.ephemeral,
    onCrash: (error) => {
      logger.fatal({ err: error, crashed: 'orchestrator' }, 'a part ended that must not end');
      onCrash(error);
    },
  });
  await forgeRole.start();

  const operatorApp = createServer();
  registerOperatorApi(operatorApp, {
    store,
    logger,
    clock,
    version: options.version,
    startedAt,
    publicUrl: () => publicUrl,
    operatorTokenHash: createHash('sha256').update(data.operatorToken).digest(),
    forges: forgePorts(settings.forges, () => publicUrl),
    dev,
    sealSecret: (secret) => sealer.seal(secret),
    trigger: triggerOf(forgeRole.planner),
    doctor: () => diagnose(settings, store, reason),
  });
  const operatorUrl = await listen(operatorApp, 'operator_listen', settings.operatorListen, shutdown);
  shutdown.add('intake', async () => {
    notReady = 'stopping';
    await publicApp.close();
  });
  data.publishAddresses({ public: publicUrl, operator: operatorUrl });
  notReady = undefined;
  logger.info({ public: publicUrl, operator: operatorUrl }, 'solstice is up');
  return { publicUrl, operatorUrl, reason };
}
