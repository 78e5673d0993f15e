import type { ChangeFeed, ChangeTopic } from '@solstice/common/store';

/**
 * Remembers which topics changed since they were last taken, so that a change between looking and waiting is
 * never missed: whoever waits with something remembered returns at once.
 */
export class Wakeups {
  readonly #feed: ChangeFeed;
  readonly #changed = new Set<ChangeTopic>();
  readonly #stops = new Map<ChangeTopic, () => void>();
  #wake: (() => void) | undefined;

  constructor(feed: ChangeFeed) {
    this.#feed = feed;
  }

  /** Starts as changed: the first look is always due. Idempotent. */
  watch(topic: ChangeTopic): void {
    if (this.#stops.has(topic)) return;
    this.#changed.add(topic);
    const listener = () => {
      this.#changed.add(topic);
      this.#wake?.();
    };
    this.#stops.set(topic, this.#feed.on(topic, listener));
  }

  unwatch(topic: ChangeTopic): void {
    this.#stops.get(topic)?.();
    this.#stops.delete(topic);
    this.#changed.delete(topic);
  }

  /** True once for each batch of changes. Taken before reading, so that what comes during the read counts again. */
  take(topic: ChangeTopic): boolean {
    return this.#changed.delete(topic);
  }

  /** More may be there than was read. */
  mark(topic: ChangeTopic): void {
    if (this.#stops.has(topic)) this.#changed.add(topic);
  }

  /** Everything watched counts as changed: the poll under the feed, which may lose. */
  all(): void {
    for (const topic of this.#stops.keys()) this.#changed.add(topic);
  }

  /** Until something is remembered (`changed`), the time is over (`timeout`), or the signal says so (`aborted`). */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<'changed' | 'timeout' | 'aborted'> {
    if (signal.aborted) return 'aborted';
    if (this.#changed.size > 0) return 'changed';
    return await new Promise((resolve) => {
      const settle = (outcome: 'changed' | 'timeout' | 'aborted') => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
        resolve(outcome);
      };
      const onAbort = () => settle('aborted');
      const timer = setTimeout(() => settle('timeout'), timeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#wake = () => settle('changed');
    });
  }

  close(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
    this.#changed.clear();
  }
}
