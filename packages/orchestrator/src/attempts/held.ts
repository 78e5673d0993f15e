import type { CancelWish, Claim } from '@solstice/common/store';
import type { AttemptEnd } from './attempt-ending.js';
import type { LiveAttempt } from './live-attempt.js';

/** An attempt's place in the registry, from the claim on, before there is a worker to supervise. */
export class Held {
  readonly claim: Claim;
  /** In monotonic milliseconds. */
  readonly sinceMs = performance.now();
  readonly provisioning = new AbortController();
  /** Undefined inside: there never was a worker. */
  readonly supervised: Promise<LiveAttempt | undefined>;
  readonly ended: Promise<AttemptEnd>;
  live: LiveAttempt | undefined;
  cancel: CancelWish | undefined;
  /** Why the host has given it up before there was a worker. */
  givenUp: string | undefined;
  #resolveSupervised!: (live: LiveAttempt | undefined) => void;
  #resolveEnded!: (end: AttemptEnd) => void;

  constructor(claim: Claim) {
    this.claim = claim;
    this.supervised = new Promise((resolve) => {
      this.#resolveSupervised = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get isExclusive(): boolean {
    return this.claim.job.exclusive === true;
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
