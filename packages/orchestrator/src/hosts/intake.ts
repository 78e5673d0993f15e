import type { PoolOffer } from '@solstice/common/store';

/**
 * Whether this host takes new work, and if not, why: everyone who has a reason says it here, under a name of its own,
 * and takes it back. What is open is a question for the next claim; the reasons are told with each renewal.
 */
export class Intake {
  readonly #pools: readonly PoolOffer[];
  readonly #onChange: () => void;
  readonly #reasons = new Map<string, { reason: string; backend: PoolOffer['backend'] | undefined }>();

  constructor(pools: readonly PoolOffer[], onChange: () => void) {
    this.#pools = pools;
    this.#onChange = onChange;
  }

  /** Of all pools, or of those with that backend. */
  close(who: string, reason: string, backend?: PoolOffer['backend']): void {
    const before = this.#reasons.get(who);
    this.#reasons.set(who, { reason, backend });
    if (before === undefined) this.#onChange();
  }

  open(who: string): void {
    if (this.#reasons.delete(who)) this.#onChange();
  }

  /** The pools that may be claimed for. */
  pools(): PoolOffer[] {
    const reasons = [...this.#reasons.values()];
    return this.#pools.filter(({ backend }) =>
      reasons.every((closed) => closed.backend !== undefined && closed.backend !== backend),
    );
  }

  reasons(): string[] {
    return [...this.#reasons.values()].map(({ reason }) => reason);
  }
}
