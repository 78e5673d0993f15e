import type { Client } from 'pg';
import { toError } from '../../errors/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { ChangeFeed, ChangeTopic } from '../port/index.js';
import { BreakableClient, END_WITHIN_MS } from './breakable-client.js';
import { connectionOptions } from './database.js';

const channel = 'solstice_changes';
/** A notification's text has to stay below 8000 bytes. */
const payloadLimitBytes = 7_000;
/** Kept for a lost connection; beyond that the others find out by their sweeps. */
const keptTopics = 10_000;

export interface ChangeFeedOptions {
  url: string;
  logger: Pick<Logger, 'warn' | 'info'>;
  /** Changes within this time are told together. */
  throttleMs?: number;
  /** Before the first try to connect again; doubled with each, up to 100 times this. */
  reconnectMs?: number;
}

/**
 * Tells other processes what was committed here, and hears what they committed, on one connection of its own: a NOTIFY
 * inside a transaction would make all commits wait for each other. What there is to tell while it is lost is kept; once
 * it is back that is told, and every listener here is called. Listeners of this process do not wait for the connection.
 */
export class PostgresChangeFeed implements ChangeFeed {
  readonly #options: Required<ChangeFeedOptions>;
  readonly #listeners = new Map<string, Set<() => void>>();
  #client: BreakableClient | undefined;
  readonly #waiting = new Set<ChangeTopic>();
  #timer: NodeJS.Timeout | undefined;
  #reconnect: NodeJS.Timeout | undefined;
  #connecting: Promise<void> | undefined;
  #sending: Promise<void> = Promise.resolve();
  #failures = 0;
  #closed = false;

  constructor(options: ChangeFeedOptions) {
    this.#options = { throttleMs: 20, reconnectMs: 100, ...options };
  }

  on(topic: ChangeTopic, listener: () => void): () => void {
    // One call each, also where one function is given twice.
    const own = (): void => listener();
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
    };
  }

  /** After a commit. */
  tell(topics: ReadonlySet<ChangeTopic>): void {
    if (this.#closed) return;
    for (const topic of topics) this.#waiting.add(topic);
    this.#timer ??= setTimeout(() => this.#flush(), this.#options.throttleMs);
    queueMicrotask(() => this.#call(topics));
  }

  /** The first time; rejects when the server does not answer. */
  async open(): Promise<void> {
    await this.#connect();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#listeners.clear();
    clearTimeout(this.#timer);
    clearTimeout(this.#reconnect);
    let ending: BreakableClient | undefined;
    const late = setTimeout(() => (ending ?? this.#client)?.breakOff(), END_WITHIN_MS);
    try {
      await this.#connecting?.catch(() => undefined);
      await this.#sending;
      ending = this.#client;
      this.#client = undefined;
      await ending?.end().catch(() => undefined);
    } finally {
      clearTimeout(late);
    }
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const client = this.#client;
    if (client === undefined) {
      if (this.#waiting.size > keptTopics) this.#waiting.clear();
      return;
    }
    const topics = [...this.#waiting];
    if (topics.length === 0) return;
    this.#waiting.clear();
    this.#sending = this.#sending
      .then(async () => {
        const payloads = payloadsOf(topics);
        await client.query('select pg_notify($1, p) from unnest($2::text[]) as p', [channel, payloads]);
      })
      .catch((error: unknown) => {
        for (const topic of topics) this.#waiting.add(topic);
        this.#options.logger.warn({ err: toError(error) }, 'changes could not be told');
      });
  }

  async #connect(): Promise<void> {
    const client = new BreakableClient(connectionOptions(this.#options.url));
    const lost = (): void => {
      if (this.#client !== client) return;
      this.#client = undefined;
      this.#options.logger.warn({}, 'the connection that changes are heard on was lost');
      this.#again();
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload, processId }) => {
      // What this process has told itself it has heard already.
      if (payload === undefined || processId === ownProcessId(client)) return;
      this.#call(payload.split('\n'));
    });
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    this.#client = client;
    this.#failures = 0;
    this.#flush();
  }

  #again(): void {
    if (this.#closed) return;
    const { reconnectMs, logger } = this.#options;
    const waitMs = reconnectMs * Math.min(2 ** this.#failures, 100) * (0.5 + Math.random());
    this.#failures += 1;
    this.#reconnect = setTimeout(() => {
      this.#connecting = this.#connect().then(
        () => {
          logger.info({}, 'changes are heard again');
          this.#call([...this.#listeners.keys()]);
        },
        () => this.#again(),
      );
    }, waitMs);
  }

  #call(topics: Iterable<string>): void {
    for (const topic of topics) {
      for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener();
    }
  }
}

function ownProcessId(client: Client): number | undefined {
  // Known to pg since the connection was made, though not to its types.
  return (client as Client & { processID?: number }).processID;
}

function payloadsOf(topics: readonly string[]): string[] {
  const payloads: string[] = [];
  let lines: string[] = [];
  let size = 0;
  for (const topic of topics) {
    const bytes = Buffer.byteLength(topic) + 1;
    if (lines.length > 0 && size + bytes > payloadLimitBytes) {
      payloads.push(lines.join('\n'));
      lines = [];
      size = 0;
    }
    lines.push(topic);
    size += bytes;
  }
  return lines.length === 0 ? payloads : [...payloads, lines.join('\n')];
}
