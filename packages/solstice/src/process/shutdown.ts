import type { Logger } from '@solstice/common/telemetry';

/**
 * What has to be undone, in the order in which it was done. First everyone is told that the end has begun, then running
 * work is drained where that is wanted, with everything still at its place, and then all is undone in reverse.
 */
export class Shutdown {
  readonly #steps: { name: string; undo: () => Promise<void> | void }[] = [];
  readonly #drains: { name: string; drain: () => Promise<void> }[] = [];
  readonly #announcements: (() => void)[] = [];
  readonly #logger: Logger;
  #done: Promise<void> | undefined;
  /** How long draining may take in all; the deadline of the whole end is that much later. */
  drainForMs = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(name: string, undo: () => Promise<void> | void): void {
    this.#steps.push({ name, undo });
  }

  /** Called before anything is stopped: readiness goes off. Must not throw. */
  announce(tell: () => void): void {
    this.#announcements.push(tell);
  }

  /** Takes no new work and waits for what runs, at most so long. Webhooks are still stored, and statuses reported, meanwhile. */
  addDrain(name: string, forMs: number, drain: () => Promise<void>): void {
    this.#drains.push({ name, drain });
    this.drainForMs = Math.max(this.drainForMs, forMs);
  }

  /** Something crashed: nothing is waited for that may depend on it. */
  skipDrains(): void {
    this.#drains.length = 0;
    this.drainForMs = 0;
  }

  /** Runs every step, also after one failed. Idempotent. */
  run(): Promise<void> {
    this.#done ??= this.#run();
    return this.#done;
  }

  async #run(): Promise<void> {
    for (const tell of this.#announcements) tell();
    await Promise.all(this.#drains.map(({ name, drain }) => this.#step(name, drain)));
    for (const { name, undo } of this.#steps.reverse()) await this.#step(name, undo);
  }

  async #step(step: string, undo: () => Promise<void> | void): Promise<void> {
    const beganMs = performance.now();
    try {
      await undo();
      this.#logger.debug({ step, ms: Math.round(performance.now() - beganMs) }, 'stopped');
    } catch (error) {
      this.#logger.error({ err: error, step }, 'a part did not stop cleanly');
    }
  }
}
