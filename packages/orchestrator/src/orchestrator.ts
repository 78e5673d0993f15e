import { combine, type PartHealth, unlessAborted } from '@solstice/common/loops';
import type { Capacity } from '@solstice/common/store';
import { untilSettled } from './hosts/settled.js';
import { type Dependencies, type OrchestratorDependencies, withDefaults } from './life/dependencies.js';
import { type Loops, makeLoops } from './life/loops.js';
import { type Opened, OrderlyEnd, type StopMode } from './life/orderly-end.js';
import { makeParts, type Parts } from './life/parts.js';
import { register } from './life/registration.js';

export interface Orchestrator {
  /** Claims no more and ends. Default: `let-go`. Idempotent; a later `let-go` ends a drain early. */
  stop(mode?: StopMode): Promise<void>;
  health(): PartHealth;
  /** What its workers take, and of what. */
  load(): { reserved: Capacity; capacity: Capacity };
}

/**
 * Makes this process the host: registers it, takes over what an earlier process left running, and then claims.
 * Rejects with `host-name-taken` while another process has the name. The reaper is not part of it: each process of a
 * fleet runs one, whatever its roles.
 */
export async function startOrchestrator(given: OrchestratorDependencies): Promise<Orchestrator> {
  const dependencies = withDefaults(given);
  const { host, logger } = dependencies;
  const registration = await register(dependencies);
  const parts = makeParts(dependencies, registration);
  const loops = makeLoops(dependencies, registration, parts);
  const opened: Opened = {};
  const end = new OrderlyEnd(dependencies, parts, loops, opened);
  try {
    await begin(dependencies, parts, loops, opened);
  } catch (error) {
    await end.run('let-go');
    throw error;
  }
  const { instance } = registration;
  logger.info({ instance, pools: host.pools.map((pool) => pool.name) }, 'host is ready');
  return {
    stop: (mode = 'let-go') => end.run(mode),
    health: () =>
      combine({
        renewals: loops.renewing.health(),
        claims: parts.claimer.health(),
        workers: loops.reconciling.health(),
        machine: loops.looking.health(),
      }),
    load: () => ({ reserved: parts.attempts.reserved(), capacity: host.capacity }),
  };
}

/** In this order: each step may rely on those before it. */
async function begin(dependencies: Dependencies, parts: Parts, loops: Loops, opened: Opened): Promise<void> {
  const { queue, host, giveUp, logger } = dependencies;
  const { renewing, reconciling, looking } = loops;
  renewing.start();
  // Before the socket opens: a runner that comes back must find its attempt, or it would be sent away.
  await untilSettled(() => unlessAborted(giveUp, loops.reconcile()), giveUp, logger);
  opened.sessions = await dependencies.openSessions(parts.attempts);
  parts.listens();
  opened.bell = await queue.subscribe({ kind: 'host', hostId: host.id }, () => renewing.passed());
  reconciling.start();
  looking.start();
  // Nothing is claimed before the machine was looked at, and the store has said whether the host is drained.
  await unlessAborted(giveUp, Promise.all([looking.passed(), renewing.passed()]));
  await parts.claimer.start();
}
