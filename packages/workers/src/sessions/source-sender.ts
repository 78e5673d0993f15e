import { toError } from '@solstice/common/errors';
import type { SourceChunk } from '@solstice/common/rpc';
import type { SessionLimits } from './limits.js';

/** Sends one archive to one runner, never more than a window ahead of what it has taken in. */
export class SourceSender {
  readonly #limits: SessionLimits;
  readonly #send: (chunk: SourceChunk) => void;
  #sentBytes = 0;
  #ackedBytes = 0;
  #stopped = false;
  #wake = () => {};

  constructor(limits: SessionLimits, send: (chunk: SourceChunk) => void) {
    this.#limits = limits;
    this.#send = send;
  }

  /** Settles when all is sent, or the archive failed and the runner has been told, or `stop` was called. Never rejects. */
  async run(archive: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const piece of archive) {
        for (let from = 0; from < piece.length; from += this.#limits.sourceChunkBytes) {
          await this.#room();
          if (this.#stopped) return;
          const data = piece.subarray(from, from + this.#limits.sourceChunkBytes);
          this.#sentBytes += data.length;
          this.#send({ data: Buffer.from(data), last: false, error: '' });
        }
      }
      if (!this.#stopped) this.#send({ data: Buffer.alloc(0), last: true, error: '' });
    } catch (error) {
      const message = toError(error).message || 'the source archive failed';
      if (!this.#stopped) this.#send({ data: Buffer.alloc(0), last: true, error: message });
    }
  }

  /** The runner has taken in so many bytes of this archive. */
  acked(bytes: number): void {
    this.#ackedBytes = Math.max(this.#ackedBytes, bytes);
    this.#wake();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  async #room(): Promise<void> {
    while (!this.#stopped && this.#sentBytes - this.#ackedBytes >= this.#limits.sourceWindowBytes) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
