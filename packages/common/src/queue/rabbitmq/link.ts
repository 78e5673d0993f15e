import type { ChannelModel } from 'amqplib';
import { SolsticeError, toError } from '../../errors/index.js';
import { pause as pauseUnlessAborted, unlessAborted } from '../../loops/index.js';
import type { Logger } from '../../telemetry/index.js';
import { explain } from './connect.js';

export interface LinkSettings {
  /** What it is for: `publish` or `consume`. */
  name: string;
  where: string;
  open(): Promise<ChannelModel>;
  /** Makes a fresh connection usable. If it rejects, the connection is given up and made again. */
  onUp(connection: ChannelModel): Promise<void>;
  /** The connection has gone; nothing of it works any more. */
  onDown(): void;
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  backoff: { firstMs: number; mostMs: number };
}

/** How long a closing handshake may take. */
const CLOSE_DEADLINE_MS = 2_000;

/** One connection that is made again whenever it goes: with backoff and full jitter, so that a fleet does not come back at once. */
export class Link {
  readonly #settings: LinkSettings;
  readonly #stopping = new AbortController();
  #connection: ChannelModel | undefined;
  #usable = false;
  #blocked: string | undefined;
  #problem: SolsticeError | undefined;
  #losses = 0;
  #running: Promise<void> | undefined;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
  }

  /** Settles after the first try, however that went. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#running = this.#run(resolve);
    });
  }

  /** Undefined while there is none that is ready for use. */
  get connection(): ChannelModel | undefined {
    return this.#usable ? this.#connection : undefined;
  }

  /** Why the broker takes nothing from this connection at present. */
  get blocked(): string | undefined {
    return this.#blocked;
  }

  /** How often a connection that was usable has gone without being closed by us. */
  get losses(): number {
    return this.#losses;
  }

  get problem(): SolsticeError | undefined {
    return this.#problem;
  }

  /** Gives this connection up without a handshake: what was asked over it got no answer. */
  drop(connection: ChannelModel, why: Error): void {
    if (this.#connection === connection) this.#problem = explain(why, this.#settings.where);
    destroy(connection, why);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    const connection = this.#connection;
    if (connection) {
      await within(CLOSE_DEADLINE_MS, 'closing', () => connection.close()).catch((error) => {
        destroy(connection, toError(error));
      });
    }
    await this.#running;
  }

  async #run(tried: () => void): Promise<void> {
    const { backoff } = this.#settings;
    for (let failures = 0; !this.#stopping.signal.aborted; ) {
      const ready = await this.#once(tried);
      tried();
      failures = ready ? 0 : failures + 1;
      const mostMs = Math.min(backoff.firstMs * 2 ** Math.min(failures, 30), backoff.mostMs);
      await pause(Math.random() * mostMs, this.#stopping.signal);
    }
  }

  /** One life of a connection. Answers whether it ever was usable. */
  async #once(ready: () => void): Promise<boolean> {
    const { name, where, open, onUp, onDown, logger } = this.#settings;
    let connection: ChannelModel;
    try {
      connection = await this.#opened(open());
    } catch (error) {
      this.#failed(toError(error));
      return false;
    }
    const gone = this.#watch(connection);
    this.#connection = connection;
    let wasUsable = false;
    try {
      if (this.#stopping.signal.aborted) throw new SolsticeError('queue-unavailable', 'closed');
      await Promise.race([onUp(connection), gone.then((error) => Promise.reject(error ?? new Error('closed')))]);
      wasUsable = true;
      this.#usable = true;
      this.#problem = undefined;
      logger.info({ connection: name, broker: where }, 'connected to RabbitMQ');
      ready();
      const error = await gone;
      if (!this.#stopping.signal.aborted) {
        this.#losses += 1;
        this.#failed(error ?? new Error('the connection was closed'));
      }
    } catch (error) {
      this.#failed(toError(error));
      destroy(connection, toError(error));
      await within(CLOSE_DEADLINE_MS, 'giving up', () => gone).catch(() => undefined);
    } finally {
      this.#usable = false;
      this.#connection = undefined;
      this.#blocked = undefined;
      onDown();
    }
    return wasUsable;
  }

  /** What is being opened is not waited for when this is closed. */
  async #opened(opening: Promise<ChannelModel>): Promise<ChannelModel> {
    const { signal } = this.#stopping;
    try {
      return await unlessAborted(signal, opening);
    } catch (error) {
      if (signal.aborted) {
        const late = new Error('nobody waits for it any more');
        void opening.then((connection) => destroy(connection, late)).catch(() => undefined);
      }
      throw error;
    }
  }

  #watch(connection: ChannelModel): Promise<Error | undefined> {
    const { name, logger } = this.#settings;
    connection.on('blocked', (reason) => {
      this.#blocked = reason;
      logger.warn({ connection: name, reason }, 'RabbitMQ takes no messages for now');
    });
    connection.on('unblocked', () => {
      this.#blocked = undefined;
      logger.info({ connection: name }, 'RabbitMQ takes messages again');
    });
    return new Promise((resolve) => {
      let last: Error | undefined;
      connection.on('error', (error) => {
        last = error;
      });
      connection.on('close', (error) => resolve(last ?? error));
    });
  }

  #failed(error: Error): void {
    if (this.#stopping.signal.aborted) return;
    const { name, where, logger } = this.#settings;
    const problem = explain(error, where);
    this.#problem = problem;
    const fields = {
      connection: name,
      broker: where,
      code: problem.code,
      problem: problem.message,
      hint: problem.hint,
    };
    // An outage is waited out; what was refused stays so until somebody mends it.
    if (problem.code === 'queue-refused') logger.error(fields, 'RabbitMQ refuses us; it is tried again');
    else logger.warn(fields, 'no connection to RabbitMQ; it is tried again');
  }
}

/** amqplib has no word for giving up at once; its close() waits for an answer that may never come. */
function destroy(connection: ChannelModel, why: Error): void {
  connection.on('error', () => undefined);
  const { stream } = connection.connection as unknown as { stream: { destroy(error: Error): void } };
  stream.destroy(why);
}

/** The broker owes an answer. What comes late must not be taken for the answer to something else: drop the connection. */
export class NoAnswer extends Error {
  constructor(what: string, ms: number) {
    super(`${what}: no answer within ${ms} ms`);
  }
}

/** Rejects with NoAnswer when it takes longer: a broker that does not answer must not hold anybody for ever. */
export async function within<T>(ms: number, what: string, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new NoAnswer(what, ms)), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends early, and well, when there is nothing left to wait for. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await pauseUnlessAborted(ms, { signal }).catch(() => undefined);
}
