import { SolsticeError, toError } from '@solstice/common/errors';
import type { AttemptStore, Claim } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { Backend, Worker } from '@solstice/workers/backends';
import type { SessionHandler, SessionOwner } from '@solstice/workers/sessions';
import { untilSettled } from '../hosts/settled.js';
import type { RunnerLimits } from './assignment.js';
import { type AttemptClocks, type AttemptEnd, LiveAttempt } from './live-attempt.js';

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
    const held = this.#hold(claim);
    const durableSeq = await this.#dependencies.store.durableSeq(claim.fence.attemptId);
    this.#supervise(held, claim, worker, this.#dependencies.mirrors.directoryOf(claim.source.cloneUrl), {
      started: claim.started,
      durableSeq,
    });
  }

  cancel(attemptId: string, cancel: { by: string; reason?: string }): void {
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
    const held = new Held();
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
    const { backends, mirrors, sessionDirectory, logger } = this.#dependencies;
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
          cpus: claim.pool.cpus,
          memoryBytes: claim.pool.memoryBytes,
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
    const { store, logger, limits, clocks, mirrors } = this.#dependencies;
    const live = new LiveAttempt(
      claim,
      worker,
      { store, logger, limits, clocks, archive: (commit) => mirrors.archive(mirrorDirectory, commit) },
      adopted,
    );
    held.supervise(live);
    if (this.#stopping.signal.aborted) live.leave();
    else if (held.cancel) live.cancel(held.cancel);
  }

  /** The worker could not be made, or should not be any more. The backend has left nothing behind. */
  async #refuse(claim: Claim, error: unknown, held: Held, log: Logger): Promise<void> {
    const { store } = this.#dependencies;
    const settle = <T>(call: () => Promise<T>) => untilSettled(call, this.#stopping.signal, log);
    const retryable = !(error instanceof SolsticeError) || error.retryable;
    const detail = toError(error).message;
    try {
      const { cancel } = held;
      if (cancel) {
        await settle(() => store.finish(claim.fence, { state: 'cancelled', cause: { kind: 'cancelled', ...cancel } }));
      } else {
        log.warn({ err: error, retryable }, 'the worker could not be made');
        await settle(() => store.refuse(claim.fence, detail, retryable));
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

/** An attempt's place in the registry, from the claim on, before there is a worker to supervise. */
class Held {
  readonly provisioning = new AbortController();
  /** Undefined inside: there never was a worker. */
  readonly supervised: Promise<LiveAttempt | undefined>;
  readonly ended: Promise<AttemptEnd>;
  live: LiveAttempt | undefined;
  cancel: { by: string; reason?: string } | undefined;
  #resolveSupervised!: (live: LiveAttempt | undefined) => void;
  #resolveEnded!: (end: AttemptEnd) => void;

  constructor() {
    this.supervised = new Promise((resolve) => {
      this.#resolveSupervised = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  supervise(live: LiveAttempt): void {
    this.live = live;
    this.#resolveSupervised(live);
    void live.ended().then((end) => this.#resolveEnded(end));
  }

  end(end: AttemptEnd): void {
    this.#resolveSupervised(undefined);
    this.#resolveEnded(end);
  }
}
