import type { Record as ProtocolRecord } from '@solstice/common/rpc';
import type { RunnerRecord } from '@solstice/common/store';
import type { SessionLimits } from './limits.js';
import { ProtocolViolation, toRecord } from './protocol-words.js';
import type { RecordLag } from './record-lag.js';
import type { SessionOwner } from './session-handler.js';

interface Waiting {
  record: RunnerRecord;
  bytes: number;
  arrivedMs: number;
}

export interface RecordQueueEvents {
  /** All up to this number is durable. */
  onStored(durableSeq: number): void;
  /** The owner's rejection; nothing is stored after it. */
  onFailed(error: unknown): void;
  /** True: read no more for now. */
  onHold(hold: boolean): void;
}

/** Hands a stream's records to the owner: one batch at a time, each as big as what has come meanwhile, up to a limit. */
export class RecordQueue {
  readonly #owner: SessionOwner;
  readonly #limits: SessionLimits;
  readonly #events: RecordQueueEvents;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #holding = false;
  #closed = false;
  #storing: Promise<void> | undefined;
  #lastSeq: number;
  readonly #lag: RecordLag | undefined;
  readonly #forgetLag: (() => void) | undefined;
  /** The batch that the owner is storing. */
  #inHand: { bytes: number; arrivedMs: number } | undefined;

  constructor(owner: SessionOwner, limits: SessionLimits, events: RecordQueueEvents, lag?: RecordLag) {
    this.#owner = owner;
    this.#limits = limits;
    this.#events = events;
    this.#lastSeq = owner.durableSeq;
    this.#lag = lag;
    this.#forgetLag = lag?.opened(() => ({
      bytes: this.#waitingBytes + (this.#inHand?.bytes ?? 0),
      oldestMs: this.#inHand?.arrivedMs ?? this.#waiting[0]?.arrivedMs,
    }));
  }

  /** Overlap is dropped. Throws ProtocolViolation for a gap, and for what `toRecord` refuses. */
  add(message: ProtocolRecord): void {
    const seq = Number(message.seq);
    if (seq <= this.#lastSeq || this.#closed) return;
    if (seq !== this.#lastSeq + 1) {
      throw new ProtocolViolation(`record ${seq} came where ${this.#lastSeq + 1} was expected`);
    }
    const record = toRecord(message, this.#owner.stepNames);
    this.#lastSeq = seq;
    const bytes = 64 + (record.kind === 'log' ? record.data.length : 0);
    this.#waiting.push({ record, bytes, arrivedMs: performance.now() });
    this.#waitingBytes += bytes;
    this.#updateHold();
    this.#storing ??= this.#store();
  }

  /** Takes and stores nothing more; settles when the batch under way is over. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting = [];
    this.#forgetLag?.();
    await this.#storing;
  }

  async #store(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const { durableSeq } = await this.#owner.record(this.#takeBatch());
        if (this.#inHand) this.#lag?.stored(this.#inHand.bytes, this.#inHand.arrivedMs);
        this.#inHand = undefined;
        this.#events.onStored(durableSeq);
        this.#updateHold();
      }
    } catch (error) {
      this.#closed = true;
      this.#waiting = [];
      this.#events.onFailed(error);
    } finally {
      this.#inHand = undefined;
      this.#storing = undefined;
    }
  }

  #takeBatch(): RunnerRecord[] {
    let bytes = 0;
    let count = 0;
    for (const { record, bytes: recordBytes } of this.#waiting) {
      const alone = record.kind === 'job-finished';
      if (count > 0 && (alone || bytes + recordBytes > this.#limits.batchBytes)) break;
      bytes += recordBytes;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    this.#inHand = { bytes, arrivedMs: this.#waiting[0]?.arrivedMs ?? performance.now() };
    return this.#waiting.splice(0, count).map(({ record }) => record);
  }

  #updateHold(): void {
    const { readAheadBytes } = this.#limits;
    const hold = this.#holding ? this.#waitingBytes > readAheadBytes / 2 : this.#waitingBytes > readAheadBytes;
    if (hold === this.#holding) return;
    this.#holding = hold;
    this.#events.onHold(hold);
  }
}
