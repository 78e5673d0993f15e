import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';

const headerBytes = 4;

/**
 * One file of framed messages: a length (32 bits, big-endian), then that many bytes. It is only ever read by the
 * process that wrote it, so it needs no checksum, no sync and no recovery.
 */
export class Segment {
  readonly path: string;
  #fd: number;
  #size = 0;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'wx+', 0o600);
  }

  /** Length of the file, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** False: the disk has no room, and the file is as it was. Throws what else the file system says. */
  append(message: Uint8Array): boolean {
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32BE(message.length);
    const frame = Buffer.concat([header, message]);
    let written = 0;
    try {
      while (written < frame.length) {
        written += writeSync(this.#fd, frame, written, frame.length - written, this.#size + written);
      }
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      ftruncateSync(this.#fd, this.#size);
      return false;
    }
    this.#size += frame.length;
    return true;
  }

  /** The message whose frame begins at this offset, and where the next one begins. */
  read(offset: number): { message: Buffer; nextOffset: number } {
    const header = this.#readExactly(offset, headerBytes);
    const length = header.readUInt32BE();
    const message = this.#readExactly(offset + headerBytes, length);
    return { message, nextOffset: offset + headerBytes + length };
  }

  /** Forgets all it holds and begins anew. */
  clear(): void {
    ftruncateSync(this.#fd, 0);
    this.#size = 0;
  }

  delete(): void {
    closeSync(this.#fd);
    unlinkSync(this.path);
  }

  #readExactly(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let have = 0;
    while (have < length) {
      const got = readSync(this.#fd, bytes, have, length - have, offset + have);
      if (got === 0) throw new Error(`${this.path}: ends at ${offset + have}, wanted ${offset + length}`);
      have += got;
    }
    return bytes;
  }
}

/** Is this the file system saying that it, or our share of it, is full? */
export function isNoRoom(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}
