import type { DeadLetterRecord, DeadLetterStore, NewDeadLetter } from '../port/index.js';
import { letterDigest, noSuchLetter, readLetter } from '../projection/index.js';
import type { Core } from './core.js';

export class MemoryDeadLetters implements DeadLetterStore {
  readonly #core: Core;
  /** By id, in the order in which they came. */
  readonly #letters = new Map<string, { digest: string; letter: DeadLetterRecord }>();
  #last = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  add(letter: NewDeadLetter): Promise<{ id: string }> {
    return this.#core.transact(() => {
      const digest = Buffer.from(letterDigest(letter)).toString('hex');
      for (const [id, stored] of this.#letters) {
        if (stored.digest === digest) return { id };
      }
      this.#last += 1;
      const id = String(this.#last);
      this.#letters.set(id, { digest, letter: { ...letter, id, body: letter.body.slice() } });
      return { id };
    });
  }

  list({ limit }: { limit: number }): Promise<DeadLetterRecord[]> {
    return this.#core.transact(() =>
      [...this.#letters.values()]
        .map(({ letter }) => letter)
        .reverse()
        .slice(0, limit),
    );
  }

  get size(): number {
    return this.#letters.size;
  }

  count(): Promise<number> {
    return this.#core.transact(() => this.#letters.size);
  }

  get(id: string): Promise<DeadLetterRecord | undefined> {
    return this.#core.transact(() => this.#letters.get(id)?.letter);
  }

  replay(id: string): ReturnType<DeadLetterStore['replay']> {
    return this.#core.transact(() => {
      const stored = this.#letters.get(id);
      if (stored === undefined) throw noSuchLetter(id);
      const parsed = readLetter(stored.letter.body);
      if ('unreadable' in parsed) return parsed;
      this.#core.send([parsed.message]);
      this.#letters.delete(id);
      return { replayed: true };
    });
  }

  remove(id: string): Promise<void> {
    return this.#core.transact(() => {
      if (!this.#letters.delete(id)) throw noSuchLetter(id);
    });
  }
}
