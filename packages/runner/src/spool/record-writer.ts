import {
  type JobFinished,
  LogStream,
  type Outcome,
  type Record as ProtocolRecord,
  RunnerMessage,
} from '@solstice/common/rpc';
import type { Spool } from './spool.js';

export type OutputStream = 'stdout' | 'stderr';

/** No log record is longer. */
export const maxChunkBytes = 64 * 1024;

const protocolStreams = {
  stdout: LogStream.LOG_STREAM_STDOUT,
  stderr: LogStream.LOG_STREAM_STDERR,
  system: LogStream.LOG_STREAM_SYSTEM,
} as const;

/** Puts what happens into the spool, in the protocol's words. Steps' output is cut at the log's cap. */
export class RecordWriter {
  readonly #spool: Spool;
  readonly #now: () => number;
  readonly #written: () => void;
  #capBytes = 0;
  #outputBytes = 0;
  #capTold = false;

  /** `now`: Unix time in milliseconds. `written` is called after each record. */
  constructor(spool: Spool, now: () => number, written: () => void) {
    this.#spool = spool;
    this.#now = now;
    this.#written = written;
  }

  /** From now on steps may print so many bytes in all. 0: any number. */
  limit(capBytes: number): void {
    this.#capBytes = capBytes;
  }

  /** What a step printed, exactly as it is. Beyond the cap it is dropped, and one system line says so. */
  output(step: number, stream: OutputStream, data: Uint8Array): void {
    let kept = data;
    if (this.#capBytes > 0) {
      kept = data.subarray(0, Math.max(0, this.#capBytes - this.#outputBytes));
      this.#outputBytes += kept.length;
    }
    for (let from = 0; from < kept.length; from += maxChunkBytes) {
      this.#log(step, stream, kept.subarray(from, from + maxChunkBytes));
    }
    if (kept.length < data.length && !this.#capTold) {
      this.#capTold = true;
      this.system(
        step,
        `The log has reached its limit of ${this.#capBytes} bytes. What is printed from here on is not kept.`,
      );
    }
  }

  /** A line of Solstice's own; not counted against the cap. */
  system(step: number, line: string): void {
    const data = Buffer.from(`${line}\n`);
    for (let from = 0; from < data.length; from += maxChunkBytes) {
      this.#log(step, 'system', data.subarray(from, from + maxChunkBytes));
    }
  }

  stepStarted(step: number): void {
    this.#write({ $case: 'stepStarted', value: { step } });
  }

  /** It was not started. */
  stepSkipped(step: number): void {
    this.#write({ $case: 'stepSkipped', value: { step } });
  }

  stepFinished(step: number, outcome: Outcome, durationMs: number): void {
    this.#write({ $case: 'stepFinished', value: { step, outcome, durationMs: BigInt(Math.round(durationMs)) } });
  }

  /** Call it only once everything before is acknowledged. */
  jobFinished(end: JobFinished): void {
    this.#write({ $case: 'jobFinished', value: end });
  }

  #log(step: number, stream: OutputStream | 'system', data: Uint8Array): void {
    const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#write({ $case: 'log', value: { step, stream: protocolStreams[stream], data: buffer } });
  }

  #write(body: NonNullable<ProtocolRecord['body']>): void {
    const atMs = BigInt(this.#now());
    this.#spool.append((seq) =>
      RunnerMessage.encode({
        message: { $case: 'record', value: { seq: BigInt(seq), atMs, body } },
      }).finish(),
    );
    this.#written();
  }
}
