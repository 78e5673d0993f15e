import { loadavg } from 'node:os';
import type { Heartbeat } from '@solstice/common/rpc';

export interface HeartbeatsParts {
  monotonicMs: () => number;
  /** False: there is no stream that takes it now. */
  send(heartbeat: Heartbeat): boolean;
}

const plainMs = 10_000;
/** Of exclusive work, which lives from the answers: several are lost before its time is over. */
const watchedMs = 2_000;

/** Says that the runner is alive, and remembers when it said so: an answer counts from there. */
export class Heartbeats {
  readonly #parts: HeartbeatsParts;
  /** When the hello of this stream (0) and its heartbeats were sent, until they are answered. */
  readonly #sentMs = new Map<bigint, number>();
  #count = 0n;
  #watched = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: HeartbeatsParts) {
    this.#parts = parts;
  }

  start(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#beat(), this.#watched ? watchedMs : plainMs);
  }

  /** From now on often enough for exclusive work. */
  watch(): void {
    this.#watched = true;
    this.start();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The hello of a new stream is being sent; nothing of an earlier one is answered any more. */
  helloSent(): void {
    this.#sentMs.clear();
    this.#sentMs.set(0n, this.#parts.monotonicMs());
  }

  /** When that was sent. Undefined: it was not, or it and what was sent before it were answered already. */
  answered(number: bigint): number | undefined {
    const sentMs = this.#sentMs.get(number);
    for (const one of this.#sentMs.keys()) if (one !== 0n && one <= number) this.#sentMs.delete(one);
    return sentMs;
  }

  #beat(): void {
    this.#count += 1n;
    const sentMs = this.#parts.monotonicMs();
    const sent = this.#parts.send({ load: loadavg()[0] ?? 0, number: this.#count });
    // Only of exclusive work are they answered.
    if (sent && this.#watched) this.#sentMs.set(this.#count, sentMs);
  }
}
