import { join } from 'node:path';
import { isNoRoom, Segment } from './segment.js';

export interface SpoolSettings {
  /** Exists, and holds no segments. */
  directory: string;
  /** A new file is begun beyond this. */
  segmentBytes: number;
  /** Unacknowledged bytes from which on `isFull`; `limit` changes it. */
  capacityBytes: number;
  /** Makes a segment's file; a test gives one whose disk is full. */
  openSegment?: (path: string) => Segment;
}

interface SentMessage {
  seq: number;
  bytes: number;
  /** Where the message after it begins; undefined: this one is in memory only. */
  end: Position | undefined;
}

interface Position {
  segment: Segment;
  offset: number;
}

/**
 * Every message that is not yet acknowledged, in order, numbered from 1 without gaps, on disk.
 *
 * - `append` gives a message the next number; `next` gives the one to send; `ack` forgets all up to a number;
 *   `rewind` makes `next` begin again after the last acknowledged one (the stream was lost).
 * - Calls are synchronous: a message has its place in the order when `append` returns. Memory does not grow with
 *   what is spooled, only with what is in flight.
 * - When the disk itself has no room, messages stay in memory and `isFull` holds until they have been acknowledged.
 *   Whoever reads output must stop reading while `isFull`; then that is a few messages at most.
 */
export class Spool {
  readonly #settings: SpoolSettings;
  readonly #openSegment: (path: string) => Segment;
  #capacityBytes: number;
  /** Oldest first; `append` writes to the last. */
  #segments: Segment[] = [];
  #segmentsMade = 0;
  /** What the disk had no room for: always the newest messages. */
  #inMemory: { seq: number; message: Uint8Array }[] = [];
  /** In flight, oldest first. */
  #sent: SentMessage[] = [];
  #inFlightBytes = 0;
  #unackedBytes = 0;
  #ackedSeq = 0;
  #sentSeq = 0;
  #lastSeq = 0;
  #readAt: Position | undefined;
  #ackedAt: Position | undefined;
  #roomListeners: (() => void)[] = [];

  constructor(settings: SpoolSettings) {
    this.#settings = settings;
    this.#openSegment = settings.openSegment ?? ((path) => new Segment(path));
    this.#capacityBytes = settings.capacityBytes;
  }

  /** From now on it is full at so many unacknowledged bytes. */
  limit(capacityBytes: number): void {
    this.#capacityBytes = capacityBytes;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  get unackedBytes(): number {
    return this.#unackedBytes;
  }

  get isFull(): boolean {
    return this.#unackedBytes >= this.#capacityBytes || this.#inMemory.length > 0;
  }

  /** Called after each `ack` that leaves room. */
  onRoom(listener: () => void): void {
    this.#roomListeners.push(listener);
  }

  /** Takes the message that `encode` makes for its number. */
  append(encode: (seq: number) => Uint8Array): number {
    const seq = this.#lastSeq + 1;
    const message = encode(seq);
    if (this.#inMemory.length > 0 || !this.#write(message)) this.#inMemory.push({ seq, message });
    this.#lastSeq = seq;
    this.#unackedBytes += message.length;
    return seq;
  }

  /** The oldest message that is not in flight, which then is. Undefined: there is none. */
  next(): Uint8Array | undefined {
    if (this.#sentSeq === this.#lastSeq) return undefined;
    const seq = this.#sentSeq + 1;
    const firstInMemory = this.#inMemory[0];
    let message: Uint8Array;
    let end: Position | undefined;
    if (firstInMemory !== undefined && seq >= firstInMemory.seq) {
      const kept = this.#inMemory[seq - firstInMemory.seq];
      if (kept === undefined) throw new Error(`spool: message ${seq} is missing`);
      message = kept.message;
    } else {
      const from = this.#readPosition();
      const read = from.segment.read(from.offset);
      message = read.message;
      end = { segment: from.segment, offset: read.nextOffset };
      this.#readAt = end;
    }
    this.#sentSeq = seq;
    this.#sent.push({ seq, bytes: message.length, end });
    this.#inFlightBytes += message.length;
    return message;
  }

  /** Everything up to this number is safe elsewhere. Throws for a number that was never sent, and changes nothing. */
  ack(seq: number): void {
    if (seq > this.#sentSeq) throw new Error(`number ${seq} was acknowledged, but only ${this.#sentSeq} was sent`);
    if (seq <= this.#ackedSeq) return;
    let count = 0;
    for (const sent of this.#sent) {
      if (sent.seq > seq) break;
      count += 1;
      this.#inFlightBytes -= sent.bytes;
      this.#unackedBytes -= sent.bytes;
      if (sent.end !== undefined) this.#ackedAt = sent.end;
    }
    this.#sent.splice(0, count);
    this.#ackedSeq = seq;
    this.#inMemory = this.#inMemory.filter((kept) => kept.seq > seq);
    this.#deleteAcked();
    // Some way below the limit, so that a reader is not stopped and started for each message.
    if (this.#inMemory.length === 0 && this.#unackedBytes <= this.#capacityBytes * 0.75) {
      for (const listener of this.#roomListeners) listener();
    }
  }

  /** Nothing is in flight any more; the next message is the one after `durableSeq`. Throws as `ack` does, and for a number below one that was acknowledged: those are gone. */
  rewind(durableSeq: number): void {
    if (durableSeq < this.#ackedSeq) {
      throw new Error(`number ${this.#ackedSeq} was acknowledged, and now only ${durableSeq} is stored`);
    }
    this.ack(durableSeq);
    this.#sent = [];
    this.#inFlightBytes = 0;
    this.#sentSeq = this.#ackedSeq;
    this.#readAt = this.#ackedAt;
  }

  /** Takes its files away. */
  close(): void {
    for (const segment of this.#segments.splice(0)) segment.delete();
  }

  #readPosition(): Position {
    const at = this.#readAt ?? { segment: this.#segments[0], offset: 0 };
    if (at.segment === undefined) throw new Error('spool: no segment to read');
    if (at.offset < at.segment.size) return { segment: at.segment, offset: at.offset };
    const following = this.#segments[this.#segments.indexOf(at.segment) + 1];
    if (following === undefined) throw new Error('spool: read past the end');
    return { segment: following, offset: 0 };
  }

  #write(message: Uint8Array): boolean {
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.size >= this.#settings.segmentBytes) {
      this.#segmentsMade += 1;
      const name = `${String(this.#segmentsMade).padStart(8, '0')}.segment`;
      try {
        segment = this.#openSegment(join(this.#settings.directory, name));
      } catch (error) {
        if (isNoRoom(error)) return false;
        throw error;
      }
      this.#segments.push(segment);
    }
    return segment.append(message);
  }

  #deleteAcked(): void {
    if (this.#ackedSeq === this.#lastSeq) {
      // Nothing is left: one empty file is enough to go on with.
      for (const segment of this.#segments.splice(0, this.#segments.length - 1)) segment.delete();
      this.#segments[0]?.clear();
      this.#readAt = undefined;
      this.#ackedAt = undefined;
      return;
    }
    const oldest = this.#ackedAt === undefined ? 0 : this.#segments.indexOf(this.#ackedAt.segment);
    for (const segment of this.#segments.splice(0, Math.max(oldest, 0))) segment.delete();
  }
}
