import { registerRunPages } from '@solstice/api';
import { formatAddress } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import type { Sealer } from '@solstice/common/secrets';
import { registerWebhooks } from '@solstice/forge-integration';
import { startGroupKeeper, startReaper, startScheduleKeeper, startTimerKeeper } from '@solstice/orchestrator';
import { createServer, listen } from '../process/listeners.js';
import { startOperatorListener } from './api.js';
import type { RoleContext } from './context.js';
import { assertTrustworthy, createForgeParts, syncRepositories } from './forge.js';
import { startHostRole } from './host.js';
import type { Role } from './names.js';
import { sealingHealth } from './sealing.js';

export interface StartRolesOptions {
  roles: ReadonlySet<Role>;
  /** For webhooks and api, which seal and open webhook secrets. */
  sealer: Sealer | undefined;
  /** For api. */
  operatorToken: string | undefined;
  /** Webhooks of forges without a secret are believed. */
  dev: boolean;
  /** The end takes running workers away, instead of leaving them to the next start. */
  ephemeral: boolean;
}

export interface StartedRoles {
  /** Of webhooks and run pages, where this process serves them. */
  public: string | undefined;
  operator: string | undefined;
  /** As which host this process takes jobs, how they run here, and why; undefined: it takes none. */
  host: { hostId: string; reason: string } | undefined;
}

/**
 * Starts what this process is to be. What was started is in `shutdown`, also when this rejects half way. The order
 * matters: webhooks are taken (and only stored) before anything works on them, and the last thing to start is the first
 * to stop.
 */
export async function startRoles(context: RoleContext, options: StartRolesOptions): Promise<StartedRoles> {
  const { settings, store, health, shutdown, logger } = context;
  const { roles, sealer, dev } = options;
  health.add('database', { needed: true, look: () => store.ping().then(() => ({ ok: true, detail: 'answers' })) });

  let publicAddress: string | undefined;
  const publicUrl = () => settings.publicUrl ?? publicAddress ?? `http://${formatAddress(settings.listen)}`;
  const takesWebhooks = roles.has('webhooks');
  const servesApi = roles.has('api');
  if (sealer !== undefined) {
    health.add('sealing key', { needed: false, look: () => sealingHealth(store, sealer) });
    await syncRepositories(settings, store, sealer);
  }
  if (takesWebhooks) await assertTrustworthy(settings, store, dev);
  const forge = createForgeParts(context, publicUrl);

  const publicApp = createServer();
  if (takesWebhooks) {
    const { metrics, tracing } = context;
    const shared = { store, logger, metrics, tracing };
    const deps = { ...shared, forges: forge.forges, sealer: needed(sealer), allowUnsigned: dev };
    registerWebhooks(publicApp, deps);
  }
  if (servesApi) {
    registerRunPages(publicApp, { store, logger, clock: context.clock, notReady: () => health.notReady() });
  }
  if (takesWebhooks || servesApi) publicAddress = await listen(publicApp, 'listen', settings.listen, shutdown);

  const host = roles.has('orchestrator')
    ? await startHostRole(context, { destroyWorkers: options.ephemeral })
    : undefined;
  startReaping(context);
  startKeepers(context);
  await forge.start(roles);

  const operator = servesApi
    ? await startOperatorListener(context, {
        operatorToken: needed(options.operatorToken),
        sealer: needed(sealer),
        planner: forge.planner,
        publicUrl,
        dev,
        backendReason: host?.reason,
      })
    : undefined;
  shutdown.add('intake', () => publicApp.close());
  return {
    public: publicAddress === undefined ? undefined : publicUrl(),
    operator,
    host,
  };
}

/** Whatever its roles, a process watches the hosts: the work of one that is gone must not wait for a certain other one. */
function startReaping({ store, shutdown, health, logger, metrics, crashed }: RoleContext): void {
  const reaper = startReaper({ store: store.hosts, logger, onCrash: crashed, metrics });
  shutdown.add('reaper', () => reaper.stop());
  health.add('reaper', { needed: false, look: () => reaper.health() });
}

/** The same of what comes with time: timers of runs, turns in concurrency groups, ticks of schedules. Any process does it. */
function startKeepers({ store, shutdown, health, logger, metrics, crashed }: RoleContext): void {
  const options = { store, logger, onCrash: crashed, metrics };
  const keepers = {
    timers: startTimerKeeper(options),
    concurrency: startGroupKeeper(options),
    schedules: startScheduleKeeper(options),
  };
  for (const [name, keeper] of Object.entries(keepers)) {
    shutdown.add(name, () => keeper.stop());
    health.add(name, { needed: false, look: () => keeper.health() });
  }
}

function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new SolsticeError('internal', 'a role was started without what it needs');
  return value;
}
