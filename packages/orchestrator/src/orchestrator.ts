import { randomUUID } from 'node:crypto';
import { SolsticeError } from '@solstice/common/errors';
import type { Queue } from '@solstice/common/queue';
import type { Capacity, PoolOffer, Store } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { Backend } from '@solstice/workers/backends';
import { createSessionServer } from '@solstice/workers/sessions';
import type { RunnerLimits } from './attempts/assignment.js';
import { Attempts, type Mirrors } from './attempts/attempts.js';
import type { AttemptClocks } from './attempts/live-attempt.js';
import { Claimer } from './claims/claimer.js';
import { reconcileWorkers } from './hosts/adoption.js';
import { Reaper } from './hosts/reaper.js';
import { untilSettled } from './hosts/settled.js';
import type { StateDirectory } from './hosts/state-directory.js';
import { sweep } from './hosts/sweep.js';

export interface OrchestratorDependencies {
  store: Store;
  queue: Queue;
  state: StateDirectory;
  /** Every backend whose workers may lie on this host; the pools name the ones that take new work. */
  backends: readonly Backend[];
  mirrors: Mirrors;
  host: { id: string; capacity: Capacity; pools: PoolOffer[]; notes: string[] };
  limits: RunnerLimits;
  logger: Logger;
  /** Something ended that must not end: the process has to stop. */
  onCrash(error: Error): void;
}

const LEASE_MS = 30_000;
const RENEW_MS = 5_000;
const SWEEP_MS = 5_000;
const CLOCKS: AttemptClocks = { bootMs: 60_000, cancelMs: 30_000, hangMs: 60_000 };

export interface Orchestrator {
  /** Claims no more, lets go of its workers and leaves them running for the next process of this host. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Makes this process the host: registers it, takes over what an earlier process left running, and then claims.
 * Rejects with `host-name-taken` while another process has the name.
 */
export async function startOrchestrator(dependencies: OrchestratorDependencies): Promise<Orchestrator> {
  const { store, queue, state, backends, host, mirrors, limits, onCrash } = dependencies;
  const logger = dependencies.logger.child({ part: 'orchestrator', hostId: host.id });
  const instance = randomUUID();
  const stopping = new AbortController();

  await untilSettled(
    () => store.hosts.register({ ...host, keyHash: state.keyHash, instance, leaseMs: LEASE_MS }),
    stopping.signal,
    logger,
  );

  let claimer: Claimer | undefined;
  const attempts = new Attempts({
    store: store.attempts,
    backends: new Map(backends.map((backend) => [backend.kind, backend])),
    mirrors,
    sessionDirectory: state.sessions,
    limits,
    clocks: CLOCKS,
    logger,
    onRoom: () => void claimer?.look(),
  });
  const reconcile = () =>
    reconcileWorkers({
      store: store.attempts,
      hostId: host.id,
      backends,
      logger,
      attempts,
      claimer,
    });
  // Before the socket opens: a runner that comes back must find its attempt, or it would be sent away.
  await untilSettled(reconcile, stopping.signal, logger);
  const sessions = await createSessionServer({ socketDirectory: state.sessions, handler: attempts, logger });

  claimer = new Claimer({
    store: store.attempts,
    queue,
    host: { ...host, instance },
    logger,
    onClaim: (claim, token) => attempts.begin(claim, token),
  });

  const renew = async () => {
    const answer = await store.hosts.renew({
      id: host.id,
      instance,
      leaseMs: LEASE_MS,
      holding: attempts.holding(),
      notes: host.notes,
    });
    for (const { attemptId, ...cancel } of answer.cancel) attempts.cancel(attemptId, cancel);
    for (const attemptId of answer.gone) attempts.fenced(attemptId);
    if (answer.unknown.length > 0) await reconcile();
  };
  const cancels = async () => {
    for (const { attemptId, ...cancel } of await store.attempts.cancelRequested(host.id)) {
      attempts.cancel(attemptId, cancel);
    }
  };
  const replaced = (error: unknown) => {
    if (error instanceof SolsticeError && error.code === 'host-replaced') onCrash(error);
  };
  const reaper = new Reaper(store.hosts, LEASE_MS, () => performance.now(), logger);
  const loops = [
    sweep('renew', RENEW_MS, renew, stopping.signal, logger, replaced),
    sweep('claim', SWEEP_MS, () => (claimer as Claimer).look(), stopping.signal, logger),
    sweep('workers', 60_000, reconcile, stopping.signal, logger),
    sweep('reap', RENEW_MS, () => reaper.look(), stopping.signal, logger),
  ];
  const bell = await queue.subscribe({ kind: 'host', hostId: host.id }, cancels);
  await claimer.start();
  void claimer.look();
  logger.info({ instance, pools: host.pools.map((pool) => pool.name) }, 'host is ready');

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort();
    await bell.cancel();
    await (claimer as Claimer).stop();
    await Promise.all(loops);
    // Runners first: what they say from now on is for the next process.
    await sessions.close();
    await attempts.leave();
    await store.hosts.leave(host.id, instance);
  };
  return {
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}
