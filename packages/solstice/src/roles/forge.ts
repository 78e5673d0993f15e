import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { defaultCloneUrl, type Settings } from '@solstice/common/config';
import type { Queue } from '@solstice/common/queue';
import type { Sealer } from '@solstice/common/secrets';
import type { Store } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import {
  assertWebhookSecrets,
  createForges,
  createPlanner,
  createRelay,
  createReporter,
  type Forges,
  type Planner,
} from '@solstice/forge-integration';
import type { Shutdown } from '../process/shutdown.js';
import { uuidv7 } from './uuid-v7.js';

export interface ForgeRoleOptions {
  settings: Settings;
  dataDirectory: string;
  store: Store;
  queue: Queue;
  sealer: Sealer;
  dev: boolean;
  publicUrl: () => string;
  shutdown: Shutdown;
  logger: Logger;
  onCrash(error: Error, part: string): void;
}

export interface ForgeRole {
  forges: Forges;
  planner: Planner;
  /** Planner, relay and reporter begin; what waits in inbox and outbox is taken up. */
  start(): Promise<void>;
}

/** Planner, relay and reporter, not started yet; the webhooks' routes are on the public listener. */
export async function createForgeRole(options: ForgeRoleOptions): Promise<ForgeRole> {
  const { settings, store, queue, logger, shutdown, onCrash } = options;
  await syncRepositories(settings, store, options.sealer);
  assertWebhookSecrets(settings.forges, await store.repositories.list(), { dev: options.dev });
  const forges = createForges(settings.forges, {
    logger,
    cacheDirectory: join(options.dataDirectory, 'forge-cache'),
    environment: { PATH: process.env.PATH, HOME: options.dataDirectory },
  });
  const shared = { store, queue, forges, logger, onCrash };
  const planner = createPlanner({
    ...shared,
    ids: { runId: uuidv7, pageKey: () => randomBytes(16).toString('base64url') },
  });
  const parts = [
    ['reporter', createReporter({ ...shared, publicUrl: options.publicUrl })],
    ['relay', createRelay(shared)],
    ['planner', planner],
  ] as const;
  return {
    forges,
    planner,
    async start() {
      for (const [name, part] of parts) {
        await part.start();
        shutdown.add(name, () => part.stop());
      }
    },
  };
}

/** What solstice.kdl says of repositories, written where the code reads it. */
async function syncRepositories(settings: Settings, store: Store, sealer: Sealer): Promise<void> {
  for (const forge of settings.forges) {
    for (const repository of forge.repositories) {
      await store.repositories.upsert({
        forge: forge.id,
        forgeRepositoryId: undefined,
        name: repository.name,
        cloneUrl: repository.cloneUrl ?? defaultCloneUrl(forge, repository.name) ?? '',
        defaultBranch: undefined,
        sealedWebhookSecret:
          repository.webhookSecret === undefined ? undefined : sealer.seal(repository.webhookSecret.reveal()),
        origin: 'settings',
      });
    }
  }
}
