import { type ErrorCode, SolsticeError, toError } from '@solstice/common/errors';
import type { WorkerProblem } from '@solstice/common/flow';
import { pause } from '@solstice/common/loops';
import type { AttemptStore, CancelWish, Capacity, Claim } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { Backend, Worker } from '@solstice/workers/backends';
import type { SessionHandler, SessionOwner } from '@solstice/workers/sessions';
import { untilSettled } from '../hosts/settled.js';
import type { RunnerLimits } from './assignment.js';
import type { AttemptClocks, LeaseView } from './attempt-clocks.js';
import { Held } from './held.js';
import { cancelledBy, LiveAttempt } from './live-attempt.js';

/** What the host fetches for its workers. */
export interface Mirrors {
  ensure(claim: Claim): Promise<{ directory: string }>;
  archive(directory: string, commit: string): AsyncIterable<Uint8Array>;
  directoryOf(cloneUrl: string): string;
}

export interface AttemptsDependencies {
  store: AttemptStore;
  backends: ReadonlyMap<Backend['kind'], Backend>;
  mirrors: Mirrors;
  sessionDirectory: string;
  limits: RunnerLimits;
  clocks: AttemptClocks;
  lease: LeaseView;
  /** How long a runner goes on without an orchestrator. */
  detachedForMs: number;
  logger: Logger;
  /** A worker is gone and its reservation given back. */
  onRoom(): void;
}

/** All attempts that this process supervises, from the claim to the worker's end; finds the one a session belongs to. */
export class Attempts implements SessionHandler {
  readonly #byAttempt = new Map<string, Held>();
  readonly #byWorker = new Map<string, Held>();
  readonly #dependencies: AttemptsDependencies;
  readonly #stopping = new AbortController();

  constructor(dependencies: AttemptsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Attempts that this host believes it holds. */
  holding(): string[] {
    return [...this.#byAttempt.keys()];
  }

  /** What they take, all together; a worker counts until it is gone. */
  reserved(): Capacity {
    const sum = { cpus: 0, memoryBytes: 0, slots: 0 };
    for (const { claim } of this.#byWorker.values()) {
      sum.cpus += claim.resources.cpus;
      sum.memoryBytes += claim.resources.memoryBytes;
      sum.slots += 1;
    }
    return sum;
  }

  holdsExclusive(): boolean {
    return [...this.#byWorker.values()].some(({ isExclusive }) => isExclusive);
  }

  /** Workers that this process knows, whatever their state. */
  knowsWorker(workerId: string): boolean {
    return this.#byWorker.has(workerId);
  }

  /** Makes the worker of a fresh claim and supervises it. Returns at once; failures are told to the store. */
  begin(claim: Claim, token: Uint8Array): void {
    const held = this.#hold(claim);
    void this.#provision(claim, token, held);
  }

  /** Supervises a worker that an earlier process of this host made. */
  async adopt(claim: Claim, worker: Worker): Promise<void> {
    const durableSeq = await this.#dependencies.store.durableSeq(claim.fence.attemptId);
    if (this.knowsWorker(claim.workerId)) return;
    const held = this.#hold(claim);
    this.#supervise(held, claim, worker, this.#dependencies.mirrors.directoryOf(claim.source.cloneUrl), {
      started: claim.started,
      durableSeq,
    });
  }

  cancel(attemptId: string, cancel: CancelWish): void {
    const held = this.#byAttempt.get(attemptId);
    if (!held) return;
    held.cancel = cancel;
    held.live?.cancel(cancel);
    held.provisioning.abort();
  }

  /** Destroys what the store says is not this host's any more. */
  fenced(attemptId: string): void {
    const held = this.#byAttempt.get(attemptId);
    held?.live?.fenced();
    held?.provisioning.abort();
  }

  /** Gives all up, for others to take: first told, then destroyed (exclusive work the other way round). */
  handBack(detail: string): void {
    for (const held of this.#byAttempt.values()) {
      held.live?.handBack(detail);
      giveUp(held, detail);
    }
  }

  /** The host is cut off: these are destroyed at once, and the store hears of it when it can. */
  cutOff(which: 'exclusive' | 'all', detail: string): void {
    for (const held of this.#byAttempt.values()) {
      if (which === 'exclusive' && !held.isExclusive) continue;
      held.live?.cutOff(detail);
      giveUp(held, detail);
    }
  }

  /** Settles when nothing is held any more, when that takes too long, or when the signal is aborted. */
  async idle(withinMs: number, signal: AbortSignal): Promise<void> {
    const enough = new AbortController();
    let over = false;
    const timeout = pause(withinMs, { signal: AbortSignal.any([signal, enough.signal]) }).then(
      () => {
        over = true;
      },
      () => {
        over = true;
      },
    );
    while (this.#byWorker.size > 0 && !over) {
      await Promise.race([timeout, ...[...this.#byWorker.values()].map((held) => held.ended)]);
    }
    enough.abort();
  }

  /** Lets go of running work and waits for what is ending just now. */
  async leave(): Promise<void> {
    this.#stopping.abort();
    const all = [...this.#byWorker.values()];
    for (const held of all) held.live?.leave();
    await Promise.all(all.map((held) => held.ended));
  }

  async open(hello: {
    workerId: string;
    tokenHash: Uint8Array;
    sessionHash: Uint8Array;
  }): Promise<SessionOwner | undefined> {
    const live = await this.#byWorker.get(hello.workerId)?.supervised;
    if (!live) return undefined;
    const proven = await this.#dependencies.store.openSession(hello.workerId, hello.tokenHash, hello.sessionHash);
    return proven ? live : undefined;
  }

  #hold(claim: Claim): Held {
    const held = new Held(claim);
    this.#byAttempt.set(claim.fence.attemptId, held);
    this.#byWorker.set(claim.workerId, held);
    void held.ended.then((end) => {
      this.#byAttempt.delete(claim.fence.attemptId);
      this.#byWorker.delete(claim.workerId);
      if (end !== 'left') this.#dependencies.onRoom();
    });
    return held;
  }

  async #provision(claim: Claim, token: Uint8Array, held: Held): Promise<void> {
    const { backends, mirrors, sessionDirectory, detachedForMs, logger } = this.#dependencies;
    const log = logger.child({ attemptId: claim.fence.attemptId, workerId: claim.workerId });
    const backend = backends.get(claim.pool.backend);
    try {
      if (!backend) throw new SolsticeError('backend-unavailable', `this host has no ${claim.pool.backend} backend`);
      const mirror = await mirrors.ensure(claim);
      const worker = await backend.provision(
        {
          workerId: claim.workerId,
          attemptId: claim.fence.attemptId,
          hostId: claim.fence.hostId,
          epoch: claim.fence.epoch,
          token,
          sessionDirectory,
          mirrorDirectory: mirror.directory,
          image: claim.job.image ?? claim.pool.image,
          cpus: claim.resources.cpus,
          memoryBytes: claim.resources.memoryBytes,
          ...(claim.job.services === undefined ? {} : { services: claim.job.services }),
          detachedMs: detachedForMs,
        },
        held.provisioning.signal,
      );
      this.#supervise(held, claim, worker, mirror.directory, undefined);
    } catch (error) {
      await this.#refuse(claim, error, held, log);
    }
  }

  #supervise(
    held: Held,
    claim: Claim,
    worker: Worker,
    mirrorDirectory: string,
    adopted: { started: boolean; durableSeq: number } | undefined,
  ): void {
    const { store, logger, limits, clocks, lease, mirrors } = this.#dependencies;
    const live = new LiveAttempt(
      claim,
      worker,
      {
        store,
        logger,
        limits,
        clocks,
        lease,
        archive: (commit) => mirrors.archive(mirrorDirectory, commit),
        heldSinceMs: held.sinceMs,
      },
      adopted,
    );
    held.supervise(live);
    if (this.#stopping.signal.aborted) live.leave();
    else if (held.givenUp !== undefined) live.cutOff(held.givenUp);
    else if (held.cancel) live.cancel(held.cancel);
  }

  /** The worker could not be made, or should not be any more. The backend has left nothing behind. */
  async #refuse(claim: Claim, error: unknown, held: Held, log: Logger): Promise<void> {
    const { store } = this.#dependencies;
    const settle = <T>(call: () => Promise<T>) => untilSettled(call, this.#stopping.signal, log);
    const retryable = !(error instanceof SolsticeError) || error.retryable;
    const detail = toError(error).message;
    try {
      const { cancel, givenUp } = held;
      if (givenUp !== undefined) {
        await settle(() => store.lose(claim.fence, givenUp));
      } else if (cancel) {
        await settle(() => store.finish(claim.fence, cancelledBy(cancel)));
      } else {
        log.warn({ err: error, retryable }, 'the worker could not be made');
        await settle(() => store.refuse(claim.fence, detail, retryable, problemOf(error)));
      }
    } catch (storeError) {
      if (this.#stopping.signal.aborted) return held.end('left');
      log.info({ err: storeError }, 'the refusal was not stored; the attempt is no longer ours');
    }
    await settle(() => store.releaseWorker(claim.workerId)).catch((releaseError: unknown) =>
      log.warn({ err: releaseError }, 'the reservation is given back by the next sweep'),
    );
    held.end('lost');
  }
}

/** The kind of reason that a workflow may ask for (`error.kind`, `needs.x.reason`), where the backend could tell. */
function problemOf(error: unknown): WorkerProblem | undefined {
  return error instanceof SolsticeError ? problems[error.code] : undefined;
}

const problems: Partial<Record<ErrorCode, WorkerProblem>> = {
  'image-unavailable': 'no-image',
  'host-full': 'no-capacity',
  'backend-unavailable': 'unreachable',
};

/** One that has no worker yet gets none. */
function giveUp(held: Held, detail: string): void {
  if (held.live) return;
  held.givenUp ??= detail;
  held.provisioning.abort();
}
