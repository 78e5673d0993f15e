import { type Clock, systemClock } from '@solstice/common/clock';
import type { Queue } from '@solstice/common/queue';
import type { Capacity, HostLoad, PoolOffer, Store } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';
import type { Backend } from '@solstice/workers/backends';
import { createSessionServer, type SessionHandler, type SessionServer } from '@solstice/workers/sessions';
import type { RunnerLimits } from '../attempts/assignment.js';
import type { Mirrors } from '../attempts/attempts.js';
import { readLoad } from '../hosts/host-conditions.js';
import type { StateDirectory } from '../hosts/state-directory.js';

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

/** With every default in its place; what it logs says which part and which host. */
export type Dependencies = OrchestratorDependencies &
  Required<Pick<OrchestratorDependencies, 'detachedForMs' | 'giveUp' | 'clock' | 'readLoad' | 'openSessions'>>;

const DETACHED_FOR_MS = 15 * 60_000;

export function withDefaults(given: OrchestratorDependencies): Dependencies {
  const { state, host, metrics } = given;
  const logger = given.logger.child({ part: 'orchestrator', hostId: host.id });
  const onSocket = (handler: SessionHandler) =>
    createSessionServer({ socketDirectory: state.sessions, handler, logger, metrics });
  return {
    ...given,
    logger,
    detachedForMs: given.detachedForMs ?? DETACHED_FOR_MS,
    giveUp: given.giveUp ?? new AbortController().signal,
    clock: given.clock ?? systemClock,
    readLoad: given.readLoad ?? (() => readLoad(state.path)),
    openSessions: given.openSessions ?? onSocket,
  };
}
