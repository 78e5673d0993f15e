import { rm } from 'node:fs/promises';
import { loadHostFile } from '@solstice/common/host-file';
import { openStateDirectory, startOrchestrator, withAttemptTelemetry } from '@solstice/orchestrator';
import { runnerBundlePath } from '@solstice/runner/bundle';
import {
  connectDocker,
  createContainerBackend,
  createProcessBackend,
  createRunnerMount,
} from '@solstice/workers/backends';
import { createMirrors } from '@solstice/workers/source';
import type { RoleContext } from './context.js';
import { mirrorsWithCredentials } from './host-mirrors.js';
import { hostOffer } from './host-offer.js';

const SPOOL_CAP_BYTES = 64 * 1024 * 1024;
const CANCEL_GRACE_MS = 10_000;
/** What outlasts a drain is handed back, and its workers are destroyed: that takes a while too. */
const HAND_BACK_MS = 60_000;

export interface HostRoleOptions {
  /** Workers are destroyed at the end instead of left for the next process. */
  destroyWorkers: boolean;
}

/** Makes this machine a host that takes jobs. Gives its name, and the sentence that says how they run here. */
export async function startHostRole(
  context: RoleContext,
  options: HostRoleOptions,
): Promise<{ hostId: string; reason: string }> {
  const { settings, data, store, queue, shutdown, health, logger } = context;
  const state = openStateDirectory(data.host);
  shutdown.add('host state', async () => {
    state.release();
    if (options.destroyWorkers) await rm(state.sessions, { recursive: true, force: true });
  });
  // The id that workers are labelled with has to be the one that the host is registered by.
  const file = settings.host.file === undefined ? undefined : loadHostFile(settings.host.file);
  for (const { message, line } of file?.warnings ?? []) logger.warn({ file: file?.file, line }, message);
  const hostId = file?.id ?? settings.host.id;
  const shared = { hostId, logger };
  const processes = createProcessBackend({ ...shared, directory: state.workers, runnerBundle: runnerBundlePath });
  const containers = createContainerBackend({
    ...shared,
    docker: connectDocker(settings.host.dockerHost),
    runnerMount: createRunnerMount({ directory: state.runner, runnerBundle: runnerBundlePath }),
  });
  // Without a broker there is no other process.
  const alone = settings.queue === undefined;
  const offer = await hostOffer(settings.host, file, alone, { container: containers, process: processes });
  const { reason, backends } = offer;
  const { metrics, tracing } = context;
  const measured = withAttemptTelemetry(store, backends, { metrics, tracing });
  logger.info({ pools: offer.pools.map(({ name }) => name) }, reason);

  const orchestrator = await startOrchestrator({
    ...measured,
    metrics,
    queue,
    state,
    mirrors: mirrorsWithCredentials(createMirrors({ directory: state.mirrors, logger }), settings.forges),
    host: { id: hostId, capacity: offer.capacity, pools: offer.pools, notes: [reason] },
    detachedForMs: settings.host.detachedForMs,
    version: context.version,
    limits: {
      logCapBytes: settings.host.logCapBytes,
      spoolCapBytes: SPOOL_CAP_BYTES,
      cancelGraceMs: CANCEL_GRACE_MS,
    },
    logger,
    onCrash: (error) => context.crashed(error, 'orchestrator'),
    giveUp: context.stopping,
  });
  if (options.destroyWorkers) {
    shutdown.add('workers', async () => {
      for (const each of backends) await Promise.all((await each.list()).map((worker) => worker.destroy()));
    });
  }
  health.add('orchestrator', { needed: true, look: () => orchestrator.health() });
  const { atStop, drainForMs } = settings.host;
  if (atStop === 'drain') {
    shutdown.addDrain('orchestrator', drainForMs + HAND_BACK_MS, () => orchestrator.stop({ drainForMs }));
  }
  shutdown.add('orchestrator', () => orchestrator.stop('let-go'));
  return { hostId, reason };
}
