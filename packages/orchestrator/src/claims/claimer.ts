import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { BackgroundLoop, type PartHealth } from '@solstice/common/loops';
import type { Consumer, Queue } from '@solstice/common/queue';
import type { AttemptStore, Capacity, Claim, PoolOffer } from '@solstice/common/store';
import type { Logger, Metrics } from '@solstice/common/telemetry';
import type { Intake } from '../hosts/intake.js';
import { isReplaced } from '../hosts/replaced.js';
import { untilSettled } from '../hosts/settled.js';

export interface ClaimerDependencies {
  store: Pick<AttemptStore, 'claim'>;
  queue: Pick<Queue, 'subscribe'>;
  host: { id: string; instance: string; pools: PoolOffer[]; capacity: Capacity };
  intake: Pick<Intake, 'pools'>;
  /** What the workers of this process take now. */
  reserved(): Capacity;
  logger: Logger;
  /** A claim of ours; called before the next one is tried. */
  onClaim(claim: Claim, token: Uint8Array): void;
  onCrash(error: Error, name: string): void;
  /** How often it looks without being told to. */
  everyMs: number;
  metrics?: Pick<Metrics, 'count'> | undefined;
}

/**
 * Takes work while there is room: when a bell rings, when room comes free, and on the sweep. A lost or doubled bell
 * changes nothing. One round at a time; what comes during a round leads to one more. A pool's bells are left to other
 * hosts while this one has no room for it, or takes nothing.
 */
export class Claimer {
  readonly #dependencies: ClaimerDependencies;
  readonly #loop: BackgroundLoop;
  readonly #bells: { offer: PoolOffer; consumer: Consumer; paused: boolean }[] = [];
  #asking: string | undefined;

  constructor(dependencies: ClaimerDependencies) {
    this.#dependencies = dependencies;
    this.#loop = new BackgroundLoop({
      name: 'claims',
      everyMs: dependencies.everyMs,
      pass: (signal) => this.#round(signal),
      tolerates: (error) => !isReplaced(error),
      logger: dependencies.logger,
      onCrash: dependencies.onCrash,
      metrics: dependencies.metrics,
    });
  }

  /**
   * A claim with this worker is under way: the store may have it already while we don't have the answer yet. Whoever
   * compares the two must not take it for a worker that has gone.
   */
  isAsking(workerId: string): boolean {
    return this.#asking === workerId;
  }

  async start(): Promise<void> {
    const { queue, host } = this.#dependencies;
    for (const offer of host.pools) {
      const consumer = await queue.subscribe({ kind: 'job', pool: offer.name }, () => this.look());
      this.#bells.push({ offer, consumer, paused: false });
    }
    this.#loop.start();
  }

  /** Claims until nothing fits. Settles when the store has been asked at least once after this call. */
  look(): Promise<void> {
    return this.#loop.passed();
  }

  health(): PartHealth {
    return this.#loop.health();
  }

  /** No claim is made after this settles. Idempotent. */
  async stop(): Promise<void> {
    // The loop first: a bell's handler waits for it.
    await this.#loop.stop();
    await Promise.all(this.#bells.splice(0).map(({ consumer }) => consumer.cancel()));
  }

  async #round(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && (await this.#claimOne(signal)));
    if (!signal.aborted) await this.#listenWhereThereIsRoom();
  }

  async #claimOne(signal: AbortSignal): Promise<boolean> {
    const { store, host, intake, logger, onClaim } = this.#dependencies;
    const pools = intake.pools();
    if (pools.length === 0) return false;
    const token = randomBytes(32);
    const request = {
      hostId: host.id,
      instance: host.instance,
      requestId: randomUUID(),
      workerId: randomUUID(),
      tokenHash: createHash('sha256').update(token).digest(),
      pools,
      capacity: host.capacity,
    };
    this.#asking = request.workerId;
    try {
      // The request id makes a repetition safe when the answer to the first was lost.
      const claim = await untilSettled(() => store.claim(request), signal, logger);
      if (!claim) return false;
      logger.info({ attemptId: claim.fence.attemptId, workerId: claim.workerId }, 'claimed');
      onClaim(claim, token);
      return true;
    } finally {
      this.#asking = undefined;
    }
  }

  async #listenWhereThereIsRoom(): Promise<void> {
    const { host, intake, reserved } = this.#dependencies;
    const taken = reserved();
    const open = new Set(intake.pools().map(({ name }) => name));
    const hasRoom = ({ cpus, memoryBytes }: PoolOffer) =>
      taken.slots < host.capacity.slots &&
      taken.cpus + cpus <= host.capacity.cpus &&
      taken.memoryBytes + memoryBytes <= host.capacity.memoryBytes;
    for (const bell of this.#bells) {
      const paused = !open.has(bell.offer.name) || !hasRoom(bell.offer);
      if (paused === bell.paused) continue;
      bell.paused = paused;
      await (paused ? bell.consumer.pause() : bell.consumer.resume());
    }
  }
}
