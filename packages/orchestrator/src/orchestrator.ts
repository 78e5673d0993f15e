import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { SolsticeError } from '@solstice/common/errors';
import {
  BackgroundLoop,
  type Clock,
  combine,
  type PartHealth,
  systemClock,
  unlessAborted,
} from '@solstice/common/loops';
import type { Consumer, Queue } from '@solstice/common/queue';
import type { Capacity, HostLoad, PoolOffer, Store } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';
import type { Backend } from '@solstice/workers/backends';
import { createSessionServer, type SessionHandler, type SessionServer } from '@solstice/workers/sessions';
import type { RunnerLimits } from './attempts/assignment.js';
import type { AttemptClocks } from './attempts/attempt-clocks.js';
import { Attempts, type Mirrors } from './attempts/attempts.js';
import { Claimer } from './claims/claimer.js';
import { reconcileWorkers } from './hosts/adoption.js';
import { CutOff } from './hosts/cut-off.js';
import { Drain } from './hosts/drain.js';
import { HostConditions, readLoad } from './hosts/host-conditions.js';
import { HostLease } from './hosts/host-lease.js';
import { Intake } from './hosts/intake.js';
import { ANSWER_WITHIN_MS, EXCLUSIVE_MARGIN_MS, LEASE_MS, RENEW_MS } from './hosts/lease-times.js';
import { untilSettled } from './hosts/settled.js';
import type { StateDirectory } from './hosts/state-directory.js';

export interface OrchestratorDependencies {
  store: Store;
  queue: Queue;
  state: StateDirectory;
  /** Every backend whose workers may lie on this host; the pools name the ones that take new work. */
  backends: readonly Backend[];
  mirrors: Mirrors;
  host: { id: string; capacity: Capacity; pools: PoolOffer[]; notes: string[] };
  limits: RunnerLimits;
  /** How long ordinary work goes on after the last renewal that the store confirmed. Default: 15 minutes. */
  detachedForMs?: number;
  /** Of this Solstice, for the host's row. */
  version?: string;
  logger: Logger;
  /** Something ended that must not end: the process has to stop. */
  onCrash(error: Error): void;
  /** Aborted: the process is told to stop. A start that still waits for the store then rejects with its reason. */
  giveUp?: AbortSignal;
  clock?: Clock;
  /** What the machine has left. Default: asked from the system. */
  readLoad?: () => Promise<HostLoad>;
  /** The server that runners dial. Default: on the state directory's socket. */
  openSessions?: (handler: SessionHandler) => Promise<SessionServer>;
  metrics?: Metrics;
}

const SWEEP_MS = 5_000;
const CONDITIONS_MS = 10_000;
const WORKERS_MS = 60_000;
const DETACHED_FOR_MS = 15 * 60_000;
/** How long a drain that ran out of time waits for what it handed back to be destroyed. */
const HAND_BACK_MS = 60_000;
const CLOCKS: AttemptClocks = { bootMs: 60_000, cancelMs: 30_000, hangMs: 60_000 };

/** `let-go`: running work is left to the next process of this host. Else it is waited for so long, and what still runs then is handed back as lost. */
export type StopMode = 'let-go' | { drainForMs: number };

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
export async function startOrchestrator(dependencies: OrchestratorDependencies): Promise<Orchestrator> {
  const { store, queue, state, backends, host, mirrors, limits } = dependencies;
  const { clock = systemClock, detachedForMs = DETACHED_FOR_MS, version, metrics } = dependencies;
  const giveUp = dependencies.giveUp ?? new AbortController().signal;
  const logger = dependencies.logger.child({ part: 'orchestrator', hostId: host.id });
  const instance = randomUUID();

  let registeredMs = 0;
  await untilSettled(
    () => {
      registeredMs = clock.monotonicMs();
      const { id, capacity, pools, notes } = host;
      const machine = `${hostname()} (pid ${process.pid})`;
      const about = { id, capacity, pools, notes, machine, ...(version === undefined ? {} : { version }) };
      return unlessAborted(
        giveUp,
        store.hosts.register({ ...about, keyHash: state.keyHash, instance, leaseMs: LEASE_MS }),
      );
    },
    giveUp,
    logger,
  );

  const onSocket = (handler: SessionHandler) =>
    createSessionServer({ socketDirectory: state.sessions, handler, logger, metrics });
  const intake = new Intake(host.pools, () => void claimer.look());
  const conditions = new HostConditions({
    intake,
    backends: backends.filter(({ kind }) => host.pools.some(({ backend }) => backend === kind)),
    readLoad: dependencies.readLoad ?? (() => readLoad(state.path)),
  });
  const lease = new HostLease(
    {
      store: store.hosts,
      hostId: host.id,
      instance,
      leaseMs: LEASE_MS,
      answerWithinMs: ANSWER_WITHIN_MS,
      clock,
      describe: () => ({
        holding: attempts.holding(),
        notes: [...host.notes, ...intake.reasons()],
        load: conditions.load,
      }),
    },
    registeredMs,
  );
  const cutOff = new CutOff({
    lease,
    clock,
    exclusiveMarginMs: EXCLUSIVE_MARGIN_MS,
    detachedForMs,
    onExclusive: () =>
      attempts.cutOff('exclusive', `host ${host.id} could not renew its lease, and exclusive work must not outlive it`),
    onDetached: () => attempts.cutOff('all', `host ${host.id} could not renew its lease for ${detachedForMs / 1000} s`),
  });
  const attempts = new Attempts({
    store: store.attempts,
    backends: new Map(backends.map((backend) => [backend.kind, backend])),
    mirrors,
    sessionDirectory: state.sessions,
    limits,
    clocks: CLOCKS,
    lease: { exclusiveLeftMs: () => cutOff.exclusiveLeftMs(), steadyForMs: () => lease.steadyForMs() },
    detachedForMs,
    logger,
    onRoom: () => void claimer.look(),
  });
  // One that finds itself replaced touches nothing any more: neither store nor workers, whatever ends it.
  let replaced = false;
  const onCrash = (error: Error) => {
    if (error instanceof SolsticeError && error.code === 'host-replaced') {
      replaced = true;
      cutOff.stop();
      void attempts.leave();
    }
    dependencies.onCrash(error);
  };
  const claimer = new Claimer({
    store: store.attempts,
    queue,
    host: { ...host, instance },
    intake,
    reserved: () => attempts.reserved(),
    logger,
    onClaim: (claim, token) => attempts.begin(claim, token),
    onCrash,
    everyMs: SWEEP_MS,
    metrics,
  });
  const drain = new Drain({
    hostId: host.id,
    intake,
    store: store.hosts,
    handBack: (reason) => attempts.handBack(reason),
  });

  const loop = (name: string, everyMs: number, pass: () => Promise<void>) =>
    new BackgroundLoop({
      name,
      everyMs,
      pass,
      passWithinMs: LEASE_MS,
      tolerates: isNoEnd,
      logger,
      onCrash,
      clock,
      metrics,
    });
  const renewing = loop('renewals', RENEW_MS, async () => {
    const answer = await lease.renew();
    for (const { attemptId, ...cancel } of answer.cancel) attempts.cancel(attemptId, cancel);
    for (const attemptId of answer.gone) attempts.fenced(attemptId);
    if (answer.unknown.length > 0) reconciling.wake();
    await drain.obey(answer);
  });
  const reconcile = () =>
    reconcileWorkers({ store: store.attempts, hostId: host.id, instance, backends, logger, attempts, claimer });
  const reconciling = loop('workers', WORKERS_MS, async () => {
    // After a long pause of this process its rows may be another's: the store has to say first that they are not.
    if (lease.leftMs() < LEASE_MS / 2) await renewing.passed();
    if (lease.leftMs() < LEASE_MS / 2) throw new SolsticeError('database-unavailable', 'the lease is not renewed');
    await reconcile();
  });
  const looking = loop('machine', CONDITIONS_MS, () => conditions.look());

  const opened: { bell?: Consumer; sessions?: SessionServer } = {};
  const letGo = new AbortController();
  const finishWork = async (drainForMs: number) => {
    await attempts.idle(drainForMs, letGo.signal);
    if (letGo.signal.aborted) return;
    attempts.handBack(`host ${host.id} was stopped, and its work took longer than ${drainForMs / 1000} s`);
    await attempts.idle(HAND_BACK_MS, letGo.signal);
  };
  const end = async (mode: StopMode) => {
    intake.close('stop', 'no new work: its process is stopping');
    await claimer.stop();
    if (mode !== 'let-go' && !replaced) await finishWork(mode.drainForMs);
    await opened.bell?.cancel();
    drain.stop();
    await Promise.all([renewing.stop(), reconciling.stop(), looking.stop()]);
    const mayLeave = !replaced && !attempts.holdsExclusive();
    // What runners say from now on is for the next process.
    const left = attempts.leave();
    await opened.sessions?.close();
    await left;
    cutOff.stop();
    // A lease that is given up lets others take the name at once; what must not overlap keeps it until it runs out.
    if (mayLeave) await lease.leave().catch((err: unknown) => logger.info({ err }, 'the lease runs out by itself'));
  };

  try {
    renewing.start();
    // Before the socket opens: a runner that comes back must find its attempt, or it would be sent away.
    await untilSettled(() => unlessAborted(giveUp, reconcile()), giveUp, logger);
    opened.sessions = await (dependencies.openSessions ?? onSocket)(attempts);
    opened.bell = await queue.subscribe({ kind: 'host', hostId: host.id }, () => renewing.passed());
    reconciling.start();
    looking.start();
    // Nothing is claimed before the machine was looked at, and the store has said whether the host is drained.
    await unlessAborted(giveUp, Promise.all([looking.passed(), renewing.passed()]));
    await claimer.start();
  } catch (error) {
    await end('let-go');
    throw error;
  }
  logger.info({ instance, pools: host.pools.map((pool) => pool.name) }, 'host is ready');

  let ended: Promise<void> | undefined;
  return {
    stop(mode = 'let-go') {
      if (ended && mode === 'let-go') letGo.abort();
      ended ??= end(mode);
      return ended;
    },
    health: () =>
      combine({
        renewals: renewing.health(),
        claims: claimer.health(),
        workers: reconciling.health(),
        machine: looking.health(),
      }),
    load: () => ({ reserved: attempts.reserved(), capacity: host.capacity }),
  };
}

/** Whatever else goes wrong in a pass is told and tried again: this process has running work, which outlives it badly. */
function isNoEnd(error: Error): boolean {
  return !(error instanceof SolsticeError && error.code === 'host-replaced');
}
