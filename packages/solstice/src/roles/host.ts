import { rm } from 'node:fs/promises';
import type { Settings } from '@solstice/common/config';
import type { Queue } from '@solstice/common/queue';
import type { Store } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import {
  capacityOf,
  chooseBackend,
  openStateDirectory,
  singleHostPools,
  startOrchestrator,
} from '@solstice/orchestrator';
import { runnerBundlePath } from '@solstice/runner/bundle';
import {
  connectDocker,
  createContainerBackend,
  createProcessBackend,
  createRunnerMount,
} from '@solstice/workers/backends';
import { createMirrors } from '@solstice/workers/source';
import type { Shutdown } from '../process/shutdown.js';
import { mirrorsWithCredentials } from './host-mirrors.js';

const SPOOL_CAP_BYTES = 64 * 1024 * 1024;
const CANCEL_GRACE_MS = 10_000;

export interface HostRoleOptions {
  settings: Settings;
  directory: string;
  store: Store;
  queue: Queue;
  shutdown: Shutdown;
  logger: Logger;
  /** Workers are destroyed at the end instead of left for the next process. */
  destroyWorkers: boolean;
  onCrash(error: Error): void;
}

/** Makes this machine a host that takes jobs. Gives the sentence that says how they run here. */
export async function startHostRole(options: HostRoleOptions): Promise<{ reason: string }> {
  const { settings, store, queue, shutdown, logger, onCrash } = options;
  const state = openStateDirectory(options.directory);
  shutdown.add('host state', async () => {
    state.release();
    if (options.destroyWorkers) await rm(state.sessions, { recursive: true, force: true });
  });
  const shared = { hostId: settings.host.id, logger };
  const processes = createProcessBackend({ ...shared, directory: state.workers, runnerBundle: runnerBundlePath });
  const containers = createContainerBackend({
    ...shared,
    docker: connectDocker(settings.host.dockerHost),
    runnerMount: createRunnerMount({ directory: state.runner, runnerBundle: runnerBundlePath }),
  });
  const { backend, reason } = await chooseBackend(settings.host.backend, { container: containers, process: processes });
  logger.info({ backend: backend.kind }, reason);
  // Workers of the other backend may be left from a time with other settings, but only ask an engine that answers.
  const backends = backend.kind === 'container' ? [containers, processes] : [processes];

  const orchestrator = await startOrchestrator({
    store,
    queue,
    state,
    backends,
    mirrors: mirrorsWithCredentials(createMirrors({ directory: state.mirrors, logger }), settings.forges),
    host: {
      id: settings.host.id,
      capacity: capacityOf(settings.host),
      pools: singleHostPools(backend.kind, settings.host),
      notes: [reason],
    },
    limits: {
      logCapBytes: settings.host.logCapBytes,
      spoolCapBytes: SPOOL_CAP_BYTES,
      cancelGraceMs: CANCEL_GRACE_MS,
    },
    logger,
    onCrash,
  });
  if (options.destroyWorkers) {
    shutdown.add('workers', async () => {
      for (const each of backends) await Promise.all((await each.list()).map((worker) => worker.destroy()));
    });
  }
  shutdown.add('orchestrator', () => orchestrator.stop());
  return { reason };
}
