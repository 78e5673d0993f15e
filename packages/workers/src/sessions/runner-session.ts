import { createHash } from 'node:crypto';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { SolsticeError, toError } from '@solstice/common/errors';
import {
  type Cancel,
  CONDITIONS_SINCE_MINOR,
  type Hello,
  type OrchestratorMessage,
  POLICIES_SINCE_MINOR,
  PROTOCOL,
  type RunnerMessage,
  WATCHDOG_SINCE_MINOR,
} from '@solstice/common/rpc';
import type { EnclosingDeadline } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { ServiceFailure } from '../backends/backend.js';
import type { SessionLimits } from './limits.js';
import { ProtocolViolation } from './protocol-words.js';
import type { RecordLag } from './record-lag.js';
import { RecordQueue, type RecordQueueEvents } from './record-queue.js';
import type { SessionHandler, SessionOwner } from './session-handler.js';
import { SourceSender } from './source-sender.js';

export type SessionStream = ServerDuplexStream<RunnerMessage, OrchestratorMessage>;

/** The stream of each worker that is open now. A worker has one: a new one takes the place of the old. */
export type OpenSessions = Map<string, RunnerSession>;

/** One stream of one runner, from its Hello to its end. */
export class RunnerSession {
  readonly #stream: SessionStream;
  readonly #handler: SessionHandler;
  readonly #open: OpenSessions;
  readonly #limits: SessionLimits;
  readonly #lag: RecordLag | undefined;
  #logger: Logger;
  #owner: SessionOwner | undefined;
  #queue: RecordQueue | undefined;
  #source: SourceSender | undefined;
  #saidHello = false;
  #over = false;
  #connected = false;
  readonly #timers: NodeJS.Timeout[] = [];
  #stopped: Promise<void> | undefined;

  constructor(
    stream: SessionStream,
    parts: {
      handler: SessionHandler;
      open: OpenSessions;
      limits: SessionLimits;
      logger: Logger;
      lag?: RecordLag | undefined;
    },
  ) {
    this.#stream = stream;
    this.#handler = parts.handler;
    this.#open = parts.open;
    this.#limits = parts.limits;
    this.#logger = parts.logger;
    this.#lag = parts.lag;
    this.#timers.push(
      setTimeout(() => {
        if (!this.#saidHello) this.#fail(status.DEADLINE_EXCEEDED, 'no hello came');
      }, parts.limits.helloWithinMs),
    );
    stream.on('data', (message: RunnerMessage) => this.#onMessage(message));
    stream.on('error', () => void this.stop());
    stream.on('cancelled', () => void this.stop());
    stream.on('end', () => void this.stop());
  }

  /** Ends the stream, so that the runner dials again. Settles when the owner has been told and no `record` is under way. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#source?.stop();
    this.#stream.end();
    await this.#queue?.close();
    if (this.#connected) this.#owner?.disconnected();
  }

  #onMessage({ message }: RunnerMessage): void {
    if (this.#over) return;
    if (message?.$case === 'hello') {
      if (this.#saidHello) return this.#fail(status.INVALID_ARGUMENT, 'a second hello on one stream');
      this.#saidHello = true;
      this.#onHello(message.value).catch((error: unknown) => {
        if (isFenceLost(error)) return this.#dismiss(toError(error).message);
        this.#logger.warn({ err: error }, 'a runner could not be let in');
        this.#fail(status.UNAVAILABLE, toError(error).message);
      });
      return;
    }
    if (!this.#connected) return this.#fail(status.INVALID_ARGUMENT, 'a message before the welcome');
    switch (message?.$case) {
      case 'record':
        return this.#onRecord(() => this.#queue?.add(message.value));
      case 'sourceRequest':
        return this.#sendSource();
      case 'sourceAck':
        return this.#source?.acked(Number(message.value.bytes));
      case 'heartbeat':
        // Exclusive work lives from one answer to the next.
        if (this.#owner?.validForMs() !== undefined) this.#ping(message.value.number);
        return;
      case undefined:
        // A kind that a newer minor version has.
        return;
    }
  }

  async #onHello(hello: Hello): Promise<void> {
    const { workerId, token, sessionSecret } = hello;
    this.#logger = this.#logger.child({ workerId });
    // Every minor version of this major one is spoken.
    if (hello.protocol?.major !== PROTOCOL.major) {
      const spoken = `${hello.protocol?.major ?? 0}.${hello.protocol?.minor ?? 0}`;
      return this.#fail(
        status.FAILED_PRECONDITION,
        `protocol ${spoken} is not spoken here, ${PROTOCOL.major}.${PROTOCOL.minor} is`,
      );
    }
    if (token.length !== 32 || sessionSecret.length !== 32) {
      return this.#fail(status.UNAUTHENTICATED, 'the worker is not known, or its session is another');
    }
    const owner = await this.#handler.open({ workerId, tokenHash: sha256(token), sessionHash: sha256(sessionSecret) });
    if (owner === undefined) {
      this.#logger.warn('a runner was refused');
      return this.#fail(status.UNAUTHENTICATED, 'the worker is not known, or its session is another');
    }
    // Only who has proved itself replaces a stream; and what the old one was storing is settled before we say what is durable.
    const previous = this.#open.get(workerId);
    this.#open.set(workerId, this);
    this.#stream.once('close', () => {
      if (this.#open.get(workerId) === this) this.#open.delete(workerId);
    });
    await previous?.stop();
    if (this.#over || this.#open.get(workerId) !== this) return void this.stop();
    await this.#welcome(owner, hello);
  }

  async #welcome(owner: SessionOwner, hello: Hello): Promise<void> {
    this.#owner = owner;
    const events: RecordQueueEvents = {
      onStored: (durableSeq) => this.#send({ $case: 'logAck', value: { durableSeq: BigInt(durableSeq) } }),
      onFailed: (error) => this.#onRecordFailed(error),
      onHold: (hold) => (hold ? this.#stream.pause() : this.#stream.resume()),
    };
    this.#queue = new RecordQueue(owner, this.#limits, events, this.#lag);
    const durableSeq = BigInt(owner.durableSeq);
    this.#send({ $case: 'welcome', value: { protocol: { ...PROTOCOL }, durableSeq } });
    this.#connected = true;
    const control = {
      cancel: (reason: string, deadline?: EnclosingDeadline) =>
        this.#send({ $case: 'cancel', value: { reason, enclosingDeadline: deadline && toProtocol(deadline) } }),
      dismiss: (reason: string) => this.#dismiss(reason),
      servicesReady: () => this.#send({ $case: 'servicesReady', value: {} }),
      serviceFailed: (failure: ServiceFailure) =>
        this.#send({ $case: 'serviceFailed', value: { ...failure, output: [...failure.output] } }),
    };
    const minor = hello.protocol?.minor ?? 0;
    owner.connected(control, {
      watchdog: minor >= WATCHDOG_SINCE_MINOR,
      policies: minor >= POLICIES_SINCE_MINOR,
      conditions: minor >= CONDITIONS_SINCE_MINOR,
    });
    if (owner.validForMs() === undefined) {
      this.#timers.push(setInterval(() => this.#ping(0n), this.#limits.pingMs));
    } else {
      this.#ping(0n);
    }
    if (hello.hasAssignment || this.#over) return;
    const assignment = await owner.assignment();
    if (assignment === undefined) this.#dismiss('there is no work for this worker any more');
    else this.#send({ $case: 'assignment', value: assignment });
  }

  /** `answers`: the heartbeat from whose sending the runner counts; 0: the hello of this stream. */
  #ping(answers: bigint): void {
    const validForMs = this.#owner?.validForMs();
    // Said as 0 it would mean that there is no limit.
    if (validForMs !== undefined && validForMs < 1) return;
    this.#send({ $case: 'ping', value: { validForMs: BigInt(Math.floor(validForMs ?? 0)), answers } });
  }

  #onRecord(add: () => void): void {
    try {
      add();
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.#logger.warn({ err: error }, 'a runner broke the protocol');
      this.#fail(status.OUT_OF_RANGE, error.message);
    }
  }

  #onRecordFailed(error: unknown): void {
    if (isFenceLost(error)) return this.#dismiss(toError(error).message);
    if (this.#over) return;
    this.#logger.warn({ err: error }, 'records could not be stored');
    this.#fail(status.UNAVAILABLE, toError(error).message);
  }

  #sendSource(): void {
    const owner = this.#owner;
    if (owner === undefined) return;
    this.#source?.stop();
    this.#source = new SourceSender(this.#limits, (value) => this.#send({ $case: 'sourceChunk', value }));
    void this.#source.run(owner.source());
  }

  #send(message: NonNullable<OrchestratorMessage['message']>): void {
    if (!this.#over) this.#stream.write({ message });
  }

  #dismiss(reason: string): void {
    this.#send({ $case: 'dismiss', value: { reason } });
    void this.stop();
  }

  #fail(code: status, details: string): void {
    if (this.#over) return;
    this.#over = true;
    // Emitting the error is how this library sends a status of one's own.
    this.#stream.emit('error', { code, details });
    void this.stop();
  }
}

function toProtocol({ branchId, limitMs }: EnclosingDeadline): Cancel['enclosingDeadline'] {
  return { leftMs: 0n, limitMs: BigInt(limitMs), branch: branchId ?? '' };
}

function isFenceLost(error: unknown): boolean {
  return error instanceof SolsticeError && error.code === 'fence-lost';
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
