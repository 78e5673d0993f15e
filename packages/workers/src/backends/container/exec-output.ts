import { addAbortSignal, type Readable } from 'node:stream';

const HEAD_BYTES = 8;
const KEPT_BYTES = 16 * 1024;

/**
 * What the engine's stream of a program's output said last, read to its end: a program that prints without end takes no more
 * memory than that. Rejects when aborted, and the stream is destroyed, so that the engine sends nothing more.
 */
export async function lastOfStream(stream: Readable, signal: AbortSignal): Promise<string> {
  const last = new LastOfFrames();
  for await (const piece of addAbortSignal(signal, stream)) last.add(Buffer.from(piece as Uint8Array));
  return last.text();
}

/** The end of what is in the engine's frames, which come in pieces cut anywhere. Each has a head of 8 bytes: stream, three zeros, length. */
export class LastOfFrames {
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headBytes = 0;
  /** Of the frame whose head was read last. */
  #bytesLeft = 0;
  /** Twice what is kept, so that not each small piece moves all of it. */
  readonly #kept = Buffer.alloc(2 * KEPT_BYTES);
  #keptBytes = 0;
  #isCut = false;

  add(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      const isHead = this.#bytesLeft === 0;
      const end = at + (isHead ? HEAD_BYTES - this.#headBytes : this.#bytesLeft);
      const part = piece.subarray(at, end);
      if (isHead) this.#addToHead(part);
      else {
        this.#bytesLeft -= part.length;
        this.#keep(part);
      }
      at += part.length;
    }
  }

  /** Without what is left of a character that was cut at the beginning. */
  text(): string {
    let start = Math.max(0, this.#keptBytes - KEPT_BYTES);
    const isCut = this.#isCut || start > 0;
    while (isCut && start < this.#keptBytes && ((this.#kept[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return this.#kept.toString('utf8', start, this.#keptBytes);
  }

  #addToHead(part: Buffer): void {
    part.copy(this.#head, this.#headBytes);
    this.#headBytes += part.length;
    if (this.#headBytes < HEAD_BYTES) return;
    this.#headBytes = 0;
    this.#bytesLeft = this.#head.readUInt32BE(4);
  }

  #keep(part: Buffer): void {
    const last = part.subarray(-KEPT_BYTES);
    if (this.#keptBytes + last.length > this.#kept.length) {
      this.#kept.copyWithin(0, this.#keptBytes - KEPT_BYTES, this.#keptBytes);
      this.#keptBytes = KEPT_BYTES;
      this.#isCut = true;
    }
    this.#isCut ||= last.length < part.length;
    last.copy(this.#kept, this.#keptBytes);
    this.#keptBytes += last.length;
  }
}
