import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Queue } from '@solstice/common/queue';
import type { AttemptStore, Capacity, Claim, PoolOffer } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import { untilSettled } from '../hosts/settled.js';

export interface ClaimerDependencies {
  store: AttemptStore;
  queue: Queue;
  host: { id: string; instance: string; pools: PoolOffer[]; capacity: Capacity };
  logger: Logger;
  /** A claim of ours; called before the next one is tried. */
  onClaim(claim: Claim, token: Uint8Array): void;
}

/**
 * Takes work while there is room: when a bell rings, when room comes free, and on the sweep. A lost or doubled bell
 * changes nothing. One round at a time; what comes during a round leads to one more.
 */
export class Claimer {
  readonly #dependencies: ClaimerDependencies;
  readonly #stopping = new AbortController();
  #consumers: { cancel(): Promise<void> }[] = [];
  #round: Promise<void> | undefined;
  #again = false;
  #asking: string | undefined;

  constructor(dependencies: ClaimerDependencies) {
    this.#dependencies = dependencies;
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
    for (const pool of host.pools) {
      this.#consumers.push(await queue.subscribe({ kind: 'job', pool: pool.name }, () => this.look()));
    }
  }

  /** Claims until nothing fits. Settles when the store has been asked at least once after this call. */
  look(): Promise<void> {
    if (this.#round) {
      this.#again = true;
      return this.#round;
    }
    this.#round = this.#rounds().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  /** No claim is made after this settles. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#consumers.map((consumer) => consumer.cancel()));
    this.#consumers = [];
    await this.#round;
  }

  async #rounds(): Promise<void> {
    do {
      this.#again = false;
      while (!this.#stopping.signal.aborted && (await this.#claimOne()));
    } while (this.#again && !this.#stopping.signal.aborted);
  }

  async #claimOne(): Promise<boolean> {
    const { store, host, logger, onClaim } = this.#dependencies;
    const token = randomBytes(32);
    const request = {
      hostId: host.id,
      instance: host.instance,
      requestId: randomUUID(),
      workerId: randomUUID(),
      tokenHash: createHash('sha256').update(token).digest(),
      pools: host.pools,
      capacity: host.capacity,
    };
    this.#asking = request.workerId;
    try {
      // The request id makes a repetition safe when the answer to the first was lost.
      const claim = await untilSettled(() => store.claim(request), this.#stopping.signal, logger);
      if (!claim) return false;
      logger.info({ attemptId: claim.fence.attemptId, workerId: claim.workerId }, 'claimed');
      onClaim(claim, token);
      return true;
    } catch (error) {
      if (!this.#stopping.signal.aborted) logger.error({ err: error }, 'claiming failed');
      return false;
    } finally {
      this.#asking = undefined;
    }
  }
}
