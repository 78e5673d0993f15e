import { randomBytes } from 'node:crypto';
import { type Assignment, type EnclosingDeadline, type OrchestratorMessage, PROTOCOL } from '@solstice/common/rpc';
import type { SourceChannel, SourceChunkData } from '../source/source-transfer.js';
import type { Spool } from '../spool/spool.js';
import type { ServiceFailure } from '../steps/services.js';
import { reconnectDelayMs } from './backoff.js';
import { Connection, type ConnectionEnd } from './connection.js';
import { Heartbeats } from './heartbeats.js';

export interface SessionSettings {
  address: string;
  workerId: string;
  token: Buffer;
  spool: Spool;
  /** How long it may be without an orchestrator. */
  detachedMs: number;
  random: () => number;
  monotonicMs: () => number;
}

export interface SessionListener {
  /** Once. */
  onAssignment(assignment: Assignment): void;
  /** Steps of exclusive work may go on until then; told again and again. */
  onValidUntil(monotonicMs: number): void;
  /** Any number of times. */
  /** `enclosing`: that deadline is over, and is why. */
  onCancel(reason: string, enclosing: EnclosingDeadline | undefined): void;
  /** Any number of times, also before the assignment. */
  onServicesReady(): void;
  onServiceFailed(failure: ServiceFailure): void;
  /** Once, and nothing after it: there is nobody any more to work for. */
  onOver(reason: SessionOver): void;
}

export interface SessionOver {
  kind: 'dismissed' | 'refused' | 'protocol' | 'detached';
  detail: string;
}

/** At most so much is sent and not yet acknowledged; what is more waits in the spool. */
const inFlightLimitBytes = 1024 * 1024;
const welcomeWithinMs = 10_000;

/**
 * The runner's side of the protocol: dials, proves who it is, sends what is in the spool and acknowledges nothing
 * itself. When the stream breaks it dials again, for as long as `detachedMs` allows, and sends on after what the
 * orchestrator says it has stored.
 */
export class Session {
  readonly #settings: SessionSettings;
  readonly #listener: SessionListener;
  /** Made once and only ever in memory: with it the token is ours alone. */
  readonly #secret = randomBytes(32);
  readonly #heartbeats: Heartbeats;
  #connection: Connection | undefined;
  #welcomed = false;
  #assigned = false;
  #over = false;
  #triesInARow = 0;
  #reconnectTimer: NodeJS.Timeout | undefined;
  #welcomeTimer: NodeJS.Timeout | undefined;
  #detachedTimer: NodeJS.Timeout | undefined;
  #whenWelcomed: (() => void)[] = [];
  #whenDrained: (() => void)[] = [];
  #onSourceChunk: ((chunk: SourceChunkData | 'lost') => void) | undefined;

  constructor(settings: SessionSettings, listener: SessionListener) {
    this.#settings = settings;
    this.#listener = listener;
    this.#heartbeats = new Heartbeats({
      monotonicMs: settings.monotonicMs,
      send: (value) => {
        if (this.#welcomed) this.#connection?.send({ $case: 'heartbeat', value });
        return this.#welcomed;
      },
    });
  }

  start(): void {
    this.#heartbeats.start();
    this.#startDetachedClock();
    this.#connect();
  }

  /** Ends it for good, without a word to the listener. */
  close(): void {
    this.#over = true;
    this.#heartbeats.stop();
    clearTimeout(this.#reconnectTimer);
    clearTimeout(this.#welcomeTimer);
    clearTimeout(this.#detachedTimer);
    this.#connection?.close();
  }

  /** From now on the orchestrator is asked often enough for how long the steps may go on. */
  watch(): void {
    this.#heartbeats.watch();
  }

  /** There may be something new in the spool: sends what may be in flight. */
  pump(): void {
    if (!this.#welcomed) return;
    const { spool } = this.#settings;
    while (spool.inFlightBytes < inFlightLimitBytes) {
      const message = spool.next();
      if (message === undefined) return;
      this.#connection?.sendEncoded(message);
    }
  }

  /** Settles when everything in the spool has been acknowledged. */
  drained(): Promise<void> {
    const { spool } = this.#settings;
    if (spool.ackedSeq === spool.lastSeq) return Promise.resolve();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  get sourceChannel(): SourceChannel {
    return {
      connected: (signal) =>
        this.#welcomed || signal.aborted
          ? Promise.resolve()
          : new Promise((resolve) => {
              this.#whenWelcomed.push(resolve);
              signal.addEventListener('abort', () => resolve(), { once: true });
            }),
      request: () => this.#connection?.send({ $case: 'sourceRequest', value: {} }),
      ack: (bytes) => this.#connection?.send({ $case: 'sourceAck', value: { bytes: BigInt(bytes) } }),
      chunks: (signal) => this.#chunks(signal),
    };
  }

  #connect(): void {
    const connection = new Connection(this.#settings.address, {
      onMessage: (message) => this.#onMessage(message),
      onEnd: (end) => this.#onEnd(end),
    });
    this.#connection = connection;
    const { workerId, token, spool } = this.#settings;
    this.#heartbeats.helloSent();
    connection.send({
      $case: 'hello',
      value: {
        workerId,
        token,
        sessionSecret: this.#secret,
        protocol: { ...PROTOCOL },
        hasAssignment: this.#assigned,
        nextSeq: BigInt(spool.lastSeq + 1),
      },
    });
    this.#welcomeTimer = setTimeout(() => {
      connection.close();
      this.#onEnd({ kind: 'lost', detail: 'no welcome' });
    }, welcomeWithinMs);
  }

  #onMessage(message: NonNullable<OrchestratorMessage['message']>): void {
    switch (message.$case) {
      case 'welcome':
        return this.#onWelcome(message.value.protocol?.major, Number(message.value.durableSeq));
      case 'assignment':
        if (this.#assigned) return;
        this.#assigned = true;
        return this.#listener.onAssignment(message.value);
      case 'logAck':
        return this.#onAck(Number(message.value.durableSeq));
      case 'cancel':
        return this.#listener.onCancel(message.value.reason, message.value.enclosingDeadline);
      case 'servicesReady':
        return this.#listener.onServicesReady();
      case 'serviceFailed':
        return this.#listener.onServiceFailed(message.value);
      case 'sourceChunk':
        return this.#onSourceChunk?.(message.value);
      case 'dismiss':
        return this.#end({ kind: 'dismissed', detail: message.value.reason });
      case 'ping':
        return this.#onPing(Number(message.value.validForMs), message.value.answers);
    }
  }

  #onWelcome(major: number | undefined, durableSeq: number): void {
    if (major !== PROTOCOL.major) {
      return this.#end({ kind: 'protocol', detail: `the orchestrator speaks protocol ${major ?? 'unknown'}` });
    }
    clearTimeout(this.#welcomeTimer);
    clearTimeout(this.#detachedTimer);
    this.#detachedTimer = undefined;
    if (!this.#try(() => this.#settings.spool.rewind(durableSeq))) return;
    this.#welcomed = true;
    this.#triesInARow = 0;
    this.#settleDrained();
    for (const settle of this.#whenWelcomed.splice(0)) settle();
    this.pump();
  }

  #onPing(validForMs: number, answers: bigint): void {
    const sentMs = this.#heartbeats.answered(answers);
    if (sentMs !== undefined && validForMs > 0) this.#listener.onValidUntil(sentMs + validForMs);
  }

  #onAck(durableSeq: number): void {
    if (!this.#try(() => this.#settings.spool.ack(durableSeq))) return;
    this.#settleDrained();
    this.pump();
  }

  #settleDrained(): void {
    const { spool } = this.#settings;
    if (spool.ackedSeq === spool.lastSeq) for (const settle of this.#whenDrained.splice(0)) settle();
  }

  /** A number that cannot be is the orchestrator's fault, and nothing can be right after it. */
  #try(action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      this.#end({ kind: 'protocol', detail: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }

  #onEnd(end: ConnectionEnd): void {
    clearTimeout(this.#welcomeTimer);
    this.#connection = undefined;
    if (this.#over) return;
    if (end.kind !== 'lost') return this.#end({ kind: end.kind, detail: end.detail });
    this.#welcomed = false;
    this.#onSourceChunk?.('lost');
    this.#startDetachedClock();
    const delayMs = reconnectDelayMs(this.#triesInARow, this.#settings.random());
    this.#triesInARow += 1;
    this.#reconnectTimer = setTimeout(() => this.#connect(), delayMs);
  }

  #startDetachedClock(): void {
    const { detachedMs } = this.#settings;
    this.#detachedTimer ??= setTimeout(
      () => this.#end({ kind: 'detached', detail: `no orchestrator for ${detachedMs / 1000} s` }),
      detachedMs,
    );
  }

  #end(over: SessionOver): void {
    if (this.#over) return;
    this.close();
    this.#listener.onOver(over);
  }

  async *#chunks(signal: AbortSignal): AsyncIterable<SourceChunkData | 'lost'> {
    const waiting: (SourceChunkData | 'lost')[] = [];
    let wake = () => {};
    this.#onSourceChunk = (chunk) => {
      waiting.push(chunk);
      wake();
    };
    const onAbort = () => wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const chunk = waiting.shift();
        if (chunk !== undefined) yield chunk;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#onSourceChunk = undefined;
    }
  }
}
