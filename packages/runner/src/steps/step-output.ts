import { maxChunkBytes, type OutputStream } from '../spool/record-writer.js';

/** A chunk waits no longer than this for more bytes to come. */
export const flushMs = 50;

/** Gathers what one step prints into chunks: soon enough to be read live, few enough to be cheap. */
export class StepOutput {
  readonly #emit: (stream: OutputStream, data: Buffer) => void;
  readonly #monotonicMs: () => number;
  #stream: OutputStream = 'stdout';
  #buffered: Buffer[] = [];
  #bufferedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushedAtMs = Number.NEGATIVE_INFINITY;

  constructor(emit: (stream: OutputStream, data: Buffer) => void, monotonicMs: () => number) {
    this.#emit = emit;
    this.#monotonicMs = monotonicMs;
  }

  add(stream: OutputStream, data: Buffer): void {
    // The order between the two streams is the order in which they were read.
    if (stream !== this.#stream) this.flush();
    this.#stream = stream;
    this.#buffered.push(data);
    this.#bufferedBytes += data.length;
    if (this.#bufferedBytes >= maxChunkBytes) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#delayMs());
  }

  /** What is buffered goes out now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#bufferedBytes === 0) return;
    const data = this.#buffered.length === 1 ? this.#buffered[0] : Buffer.concat(this.#buffered);
    this.#buffered = [];
    this.#bufferedBytes = 0;
    this.#flushedAtMs = this.#monotonicMs();
    if (data !== undefined) this.#emit(this.#stream, data);
  }

  /** After a silence the first bytes go out almost at once; then there is one chunk every `flushMs`. */
  #delayMs(): number {
    return Math.min(flushMs, Math.max(1, this.#flushedAtMs + flushMs - this.#monotonicMs()));
  }
}
