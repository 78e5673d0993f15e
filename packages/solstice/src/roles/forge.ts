import { join } from 'node:path';
import { defaultCloneUrl, type Settings } from '@solstice/common/config';
import type { PartHealth } from '@solstice/common/loops';
import type { Sealer } from '@solstice/common/secrets';
import type { Store } from '@solstice/common/store';
import {
  assertWebhookSecrets,
  createDeadLetters,
  createForges,
  createPlanner,
  createRelay,
  createReporter,
  type Forges,
  type Planner,
} from '@solstice/forge-integration';
import type { RoleContext } from './context.js';
import type { Role } from './names.js';
import { runIds } from './run-ids.js';

export interface ForgeParts {
  forges: Forges;
  /** For the api role too, which plans what an operator triggers. */
  planner: Planner;
  /** Those of planner, relay and reporter that are asked for begin; what waits in inbox and outbox is taken up. */
  start(roles: ReadonlySet<Role>): Promise<void>;
}

/** What talks to forges, not started yet. */
export function createForgeParts(context: RoleContext, publicUrl: () => string): ForgeParts {
  const { settings, data, store, queue, logger, shutdown, health, metrics, tracing, crashed: onCrash } = context;
  const forges = createForges(settings.forges, {
    logger,
    cacheDirectory: join(data.path, 'forge-cache'),
    environment: { PATH: process.env.PATH, HOME: data.path },
  });
  const shared = { store, queue, forges, logger, onCrash, metrics, tracing };
  const planner = createPlanner({ ...shared, ids: runIds });
  const begin = async (name: string, part: LongRunning, needed: boolean) => {
    await part.start();
    shutdown.add(name, () => part.stop());
    health.add(name, { needed, look: () => part.health() });
  };
  return {
    forges,
    planner,
    async start(roles) {
      if (roles.has('reporter')) await begin('reporter', createReporter({ ...shared, publicUrl }), true);
      // It fails while the broker is away; every listener sweeps, so that the work goes on without it, only later.
      if (roles.has('relay')) {
        await begin('relay', createRelay(shared), false);
        await begin('dead letters', createDeadLetters(shared), false);
      }
      if (roles.has('planner')) await begin('planner', planner, true);
    },
  };
}

interface LongRunning {
  start(): Promise<void>;
  stop(): Promise<void>;
  health(): PartHealth;
}

/** Throws `webhook-secret-missing` if there is a forge whose webhooks nobody could trust. */
export async function assertTrustworthy(settings: Settings, store: Store, dev: boolean): Promise<void> {
  assertWebhookSecrets(settings.forges, await store.repositories.list(), { dev });
}

/** What solstice.kdl says of repositories, written where the code reads it. */
export async function syncRepositories(settings: Settings, store: Store, sealer: Sealer): Promise<void> {
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
