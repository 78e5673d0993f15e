import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClientBase, type CustomTypesConfig, Pool, type PoolClient, types } from 'pg';
import type { WallClock } from '../../clock/index.js';
import type { Message } from '../../messages/index.js';
import type { Logger, TraceContext } from '../../telemetry/index.js';
import type { ChangeTopic, ConnectionUse } from '../port/index.js';
import { insertMessages } from '../sql/outbox.js';
import type { Queryable } from '../sql/queryable.js';
import { BreakableClient, END_WITHIN_MS } from './breakable-client.js';
import { isConnectionLoss, isRolledBack, storeError } from './errors.js';

/** A transaction in hand. What it promises to tell is told when it has been committed, and not otherwise. */
export interface Transaction extends Queryable {
  /** One instant for the whole transaction: the database's, unless the store was given a clock. */
  readonly now: Date;
  /** Puts messages into the outbox, with the trace of what caused them. */
  send(messages: readonly Message[], trace?: TraceContext): Promise<void>;
  touch(topic: ChangeTopic): void;
  afterCommit(action: () => void): void;
}

export interface DatabaseOptions {
  url: string;
  logger: Pick<Logger, 'warn'>;
  clock?: WallClock;
  tell: (topics: ReadonlySet<ChangeTopic>) => void;
  maxConnections: number;
  /**
   * No answer by then is one too late to be of use, and a broken connection is its caller's to try again: who renews a
   * lease counts from its own sending. Default: a minute, and tried again here where nothing can have happened.
   */
  answerWithinMs?: number;
}

const maxTries = 5;

/** Connections, transactions, and what is tried again. Every error leaves it as storeError makes it. */
export class Database {
  readonly #pool: Pool;
  readonly #clients = new Set<BreakableClient>();
  readonly #options: DatabaseOptions;
  readonly #names = new Map<string, string>();

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#pool = new Pool({
      ...connectionOptions(options.url, options.answerWithinMs),
      max: options.maxConnections,
      Client: BreakableClient,
    });
    this.#pool.on('connect', (client) => this.#clients.add(client as unknown as BreakableClient));
    this.#pool.on('remove', (client) => this.#clients.delete(client as unknown as BreakableClient));
    // A connection that breaks while nobody uses it. The pool drops it; without a listener it would end the process.
    this.#pool.on('error', (error) => {
      options.logger.warn({ err: error }, 'an idle database connection was lost');
    });
  }

  /**
   * One transaction. Done again when the server rolled it back for others' sake (isRolledBack), and when the connection
   * broke before the commit was sent: nothing of it has happened then. So `work` may run more than once.
   */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return await this.#repeatedly('begin', work);
  }

  /** Several reads of one instant. */
  async snapshot<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return await this.#repeatedly('begin isolation level repeatable read, read only', work);
  }

  async #repeatedly<T>(begin: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const commit = { sent: false };
      try {
        return await this.#once(begin, work, commit);
      } catch (error) {
        const again = isRolledBack(error) || (this.#mayReconnect(error, tries) && !commit.sent);
        if (!again || tries >= maxTries) throw storeError(error);
        await delay(tries * 10 * (1 + Math.random()));
      }
    }
  }

  /** Statements that are each a transaction of their own. Those that can be repeated without harm, nothing else. */
  async direct<T>(work: (db: Queryable, now: () => Promise<Date>) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#withClient((client) => work(this.#queryable(client), () => this.#now(client)));
      } catch (error) {
        if (tries >= 3 || !(isRolledBack(error) || this.#mayReconnect(error, tries))) throw storeError(error);
        await delay(tries * 10 * (1 + Math.random()));
      }
    }
  }

  /** Of the pool, now. */
  connections(): ConnectionUse {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
  }

  #mayReconnect(error: unknown, tries: number): boolean {
    return isConnectionLoss(error) && tries < 3 && this.#options.answerWithinMs === undefined;
  }

  /** One statement, one try. */
  async ping(): Promise<void> {
    try {
      await this.#pool.query('select 1');
    } catch (error) {
      throw storeError(error);
    }
  }

  /** Waits for what is in hand, but not for a server that no longer answers. */
  async close(): Promise<void> {
    const late = setTimeout(() => {
      for (const client of this.#clients) client.breakOff();
    }, END_WITHIN_MS);
    try {
      await this.#pool.end();
    } finally {
      clearTimeout(late);
    }
  }

  async #once<T>(begin: string, work: (tx: Transaction) => Promise<T>, commit: { sent: boolean }): Promise<T> {
    const topics = new Set<ChangeTopic>();
    const actions: (() => void)[] = [];
    const result = await this.#withClient(async (client) => {
      try {
        const now = await this.#begin(client, begin);
        const { rows } = this.#queryable(client);
        const tx: Transaction = {
          rows,
          now,
          send: async (messages, trace) => {
            await insertMessages(tx, messages, now, trace);
            if (messages.length > 0) topics.add('outbox');
          },
          touch: (topic) => topics.add(topic),
          afterCommit: (action) => actions.push(action),
        };
        const value = await work(tx);
        commit.sent = true;
        await client.query('commit');
        return value;
      } catch (error) {
        if (!commit.sent && !isConnectionLoss(error)) await client.query('rollback');
        throw error;
      }
    });
    for (const action of actions) action();
    if (topics.size > 0) this.#options.tell(topics);
    return result;
  }

  #queryable(client: ClientBase): Queryable {
    return {
      rows: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
        const { rows } = await client.query<Row>({ name: this.#nameOf(text), text, values: values.map(storable) });
        return rows;
      },
    };
  }

  /** The same statement has the same name, so that each connection parses it once. There are as many as in store/sql. */
  #nameOf(text: string): string {
    const name = this.#names.get(text) ?? createHash('sha256').update(text).digest('hex').slice(0, 32);
    this.#names.set(text, name);
    return name;
  }

  async #begin(client: ClientBase, begin: string): Promise<Date> {
    if (this.#options.clock !== undefined) {
      await client.query(begin);
      return this.#options.clock.now();
    }
    // Two statements in one message: the instant costs no journey of its own.
    const results: unknown = await client.query(`${begin}; select clock_timestamp() as now`);
    const [, second] = results as [unknown, { rows: { now: Date }[] }];
    return second.rows[0]?.now ?? new Date();
  }

  async #now(client: ClientBase): Promise<Date> {
    if (this.#options.clock !== undefined) return this.#options.clock.now();
    const { rows } = await client.query<{ now: Date }>('select clock_timestamp() as now');
    return rows[0]?.now ?? new Date();
  }

  async #withClient<T>(use: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken = true;
    try {
      const result = await use(client);
      broken = false;
      return result;
    } catch (error) {
      broken = isConnectionLoss(error);
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

/** For every connection of the store. A server that hangs is as good as gone, after a while. */
export function connectionOptions(
  url: string,
  answerWithinMs = 60_000,
): {
  connectionString: string;
  types: CustomTypesConfig;
  connectionTimeoutMillis: number;
  query_timeout: number;
  idle_in_transaction_session_timeout: number;
  keepAlive: boolean;
  application_name: string;
} {
  return {
    connectionString: url,
    types: { getTypeParser: typeParser },
    connectionTimeoutMillis: Math.min(answerWithinMs, 10_000),
    query_timeout: answerWithinMs,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    application_name: 'solstice',
  };
}

const int8 = 20;

/** Counters are numbers here: 2^53 of them are not to be had. */
const typeParser: CustomTypesConfig['getTypeParser'] = (oid: number, format?: 'text' | 'binary') =>
  oid === int8 ? Number : types.getTypeParser(oid, format as 'text');

/** PostgreSQL's texts hold every character but U+0000; what people and programs say may have it. */
function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD');
  if (Array.isArray(value)) return value.map(storable);
  return value;
}
