import type { ChangeFeed, ChangeTopic } from '../port/index.js';

/** Tells listeners in a later microtask; what comes meanwhile folds into one call. */
export class MemoryChangeFeed implements ChangeFeed {
  readonly #listeners = new Map<ChangeTopic, Set<() => void>>();
  #waiting = new Set<ChangeTopic>();

  on(topic: ChangeTopic, listener: () => void): () => void {
    const own = (): void => listener();
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) {
        this.#listeners.delete(topic);
      }
    };
  }

  tell(topics: Iterable<ChangeTopic>): void {
    if (this.#waiting.size === 0) {
      queueMicrotask(() => this.#flush());
    }
    for (const topic of topics) {
      this.#waiting.add(topic);
    }
  }

  clear(): void {
    this.#listeners.clear();
  }

  #flush(): void {
    const topics = this.#waiting;
    this.#waiting = new Set();
    for (const topic of topics) {
      for (const listener of this.#listeners.get(topic) ?? []) {
        listener();
      }
    }
  }
}
