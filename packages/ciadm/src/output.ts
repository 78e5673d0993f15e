import { once } from 'node:events';
import { createColors } from 'picocolors';
import type { Io } from './io.js';

export type Colours = ReturnType<typeof createColors>;

/** Standard output and error, no faster than they are read; quiet once the reader has gone (`| head`). */
export class Output {
  readonly colours: Colours;
  readonly colour: boolean;
  readonly columns: number | undefined;
  readonly #io: Io;
  readonly #closed = new AbortController();
  readonly #onError = (error: NodeJS.ErrnoException) => {
    this.#failure ??= error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED' ? undefined : error;
    this.#closed.abort();
  };
  #failure: Error | undefined;

  constructor(io: Io) {
    this.#io = io;
    this.colour = io.colour;
    this.colours = createColors(io.colour);
    this.columns = io.columns;
    io.stdout.on('error', this.#onError);
    io.stderr.on('error', this.#onError);
  }

  /** Fires when nobody reads any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Why it could not be written (a full disk); a reader that left is no failure. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  async write(piece: string | Uint8Array): Promise<void> {
    if (this.#closed.signal.aborted || this.#io.stdout.write(piece)) return;
    await once(this.#io.stdout, 'drain', { signal: this.#closed.signal }).catch(() => undefined);
  }

  async line(text = ''): Promise<void> {
    await this.write(`${text}\n`);
  }

  async json(value: unknown): Promise<void> {
    await this.write(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** On standard error: what is not the answer itself. */
  note(text: string): void {
    if (!this.#closed.signal.aborted) this.#io.stderr.write(`${text}\n`);
  }

  dispose(): void {
    this.#io.stdout.off('error', this.#onError);
    this.#io.stderr.off('error', this.#onError);
  }
}
