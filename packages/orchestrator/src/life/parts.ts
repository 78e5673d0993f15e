import type { AttemptClocks } from '../attempts/attempt-clocks.js';
import { Attempts } from '../attempts/attempts.js';
import { Claimer } from '../claims/claimer.js';
import { CutOff } from '../hosts/cut-off.js';
import { Drain } from '../hosts/drain.js';
import { HostConditions } from '../hosts/host-conditions.js';
import { HostLease } from '../hosts/host-lease.js';
import { Intake } from '../hosts/intake.js';
import { ANSWER_WITHIN_MS, EXCLUSIVE_MARGIN_MS, LEASE_MS } from '../hosts/lease-times.js';
import { isReplaced } from '../hosts/replaced.js';
import type { Dependencies } from './dependencies.js';
import type { Registration } from './registration.js';

const SWEEP_MS = 5_000;
const CLOCKS: AttemptClocks = { bootMs: 60_000, returnMs: 5 * 60_000, cancelMs: 30_000, hangMs: 60_000 };

/** What a host is made of. Nothing of it does anything yet, but for the clocks of the lease, which run since it registered. */
export interface Parts {
  intake: Intake;
  conditions: HostConditions;
  lease: HostLease;
  cutOff: CutOff;
  attempts: Attempts;
  claimer: Claimer;
  drain: Drain;
  /** The socket is open: only from now on does it say something of a runner that it is not heard. */
  listens(): void;
  /** Another process has the host's name now. */
  replaced(): boolean;
  /** For whatever ends that must not end. */
  onCrash(error: Error): void;
}

export function makeParts(dependencies: Dependencies, { instance, sentMs }: Registration): Parts {
  const { store, queue, state, backends, host, mirrors, limits } = dependencies;
  const { clock, detachedForMs, logger, metrics } = dependencies;

  const intake = new Intake(host.pools, () => void claimer.look());
  const conditions = new HostConditions({
    intake,
    backends: backends.filter(({ kind }) => host.pools.some(({ backend }) => backend === kind)),
    readLoad: dependencies.readLoad,
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
    sentMs,
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
  let openSinceMs: number | undefined;
  const openForMs = () => (openSinceMs === undefined ? 0 : clock.monotonicMs() - openSinceMs);
  const attempts = new Attempts({
    store: store.attempts,
    backends: new Map(backends.map((backend) => [backend.kind, backend])),
    mirrors,
    sessionDirectory: state.sessions,
    limits,
    clocks: CLOCKS,
    lease: {
      exclusiveLeftMs: () => cutOff.exclusiveLeftMs(),
      heardForMs: () => Math.min(lease.steadyForMs(), openForMs()),
    },
    detachedForMs,
    logger,
    onRoom: () => void claimer.look(),
  });

  // One that finds itself replaced touches nothing any more: neither store nor workers, whatever ends it.
  let replaced = false;
  const onCrash = (error: Error) => {
    if (isReplaced(error)) {
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
  const listens = () => {
    openSinceMs = clock.monotonicMs();
  };
  return { intake, conditions, lease, cutOff, attempts, claimer, drain, listens, replaced: () => replaced, onCrash };
}
