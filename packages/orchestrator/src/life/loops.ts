import { SolsticeError } from '@solstice/common/errors';
import { BackgroundLoop } from '@solstice/common/loops';
import { reconcileWorkers } from '../hosts/adoption.js';
import { LEASE_MS, RENEW_MS } from '../hosts/lease-times.js';
import { isReplaced } from '../hosts/replaced.js';
import type { Dependencies } from './dependencies.js';
import type { Parts } from './parts.js';
import type { Registration } from './registration.js';

const CONDITIONS_MS = 10_000;
const WORKERS_MS = 60_000;

/** What a host does again and again, beside claiming. None of it runs yet. */
export interface Loops {
  renewing: BackgroundLoop;
  reconciling: BackgroundLoop;
  looking: BackgroundLoop;
  /** What the second does, once, for the start: what can't be cleared away is left to that, other failures are the caller's. */
  reconcile(): Promise<unknown>;
}

export function makeLoops(dependencies: Dependencies, { instance }: Registration, parts: Parts): Loops {
  const { store, backends, host, clock, logger, metrics } = dependencies;
  const { lease, attempts, claimer, drain, conditions, onCrash } = parts;
  const loop = (name: string, everyMs: number, pass: () => Promise<void>) =>
    new BackgroundLoop({
      name,
      everyMs,
      pass,
      passWithinMs: LEASE_MS,
      // What else goes wrong is told and tried again: this process has running work, which outlives it badly.
      tolerates: (error) => !isReplaced(error),
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
    const { leftBehind } = await reconcile();
    if (leftBehind !== undefined) throw leftBehind;
  });
  const looking = loop('machine', CONDITIONS_MS, () => conditions.look());
  return { renewing, reconciling, looking, reconcile };
}
