import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedPostgres, type NetworkAccess, startEmbeddedPostgres } from '@solstice/embedded-postgres';
import { Client } from 'pg';
import { type ClaimedPort, claimPort } from '../claimed-port.js';
import { temporaryDirectory } from '../temporary-directory.js';

export interface FleetPostgresOptions {
  /** Where it listens, and whom it lets in without a password. Default: this machine alone, on a port of its own. */
  address?: string;
  network?: string;
}

/** A PostgreSQL of a test's own, that many processes reach over TCP, and that can be taken away from them. */
export class FleetPostgres implements AsyncDisposable {
  /** The same after each start. */
  readonly url: string;
  readonly #directory: { path: string; remove(): Promise<void> };
  readonly #access: NetworkAccess;
  readonly #port: ClaimedPort;
  #server: EmbeddedPostgres | undefined;

  private constructor(
    directory: { path: string; remove(): Promise<void> },
    port: ClaimedPort,
    options: FleetPostgresOptions,
  ) {
    const address = options.address ?? '127.0.0.1';
    this.#directory = directory;
    this.#port = port;
    this.#access = {
      addresses: [address],
      port: port.port,
      allow: [address.startsWith('127.') ? '127.0.0.0/8' : `${address}/32`, options.network]
        .filter((network) => network !== undefined)
        .map((network) => ({ network, method: 'trust' })),
    };
    this.url = `postgres://solstice@${address}:${port.port}/solstice`;
  }

  static async start(options: FleetPostgresOptions = {}): Promise<FleetPostgres> {
    const directory = await temporaryDirectory('solstice-test-fleet-postgres-');
    const postgres = new FleetPostgres(directory, await claimPort(), options);
    try {
      await postgres.start();
      await postgres.#admin('create database solstice');
    } catch (error) {
      await postgres.remove();
      throw error;
    }
    return postgres;
  }

  /** Up again, at the same address with the same data. */
  async start(): Promise<void> {
    this.#server ??= await startEmbeddedPostgres({
      dataDirectory: join(this.#directory.path, 'postgres'),
      // A test's data need not outlive the machine.
      settings: { fsync: 'off', full_page_writes: 'off', max_connections: '300' },
      network: this.#access,
    });
  }

  /** Away: who connects is refused. Those that are connected are cut off; what they had not committed is gone. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Cuts off whoever is connected, in the middle of whatever they do. */
  async killConnections(): Promise<void> {
    await this.#admin(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'solstice' and backend_type = 'client backend'`,
    );
  }

  /** Connections stay, and nobody answers on them any more, nor new ones: a machine that hangs. Until thaw(). */
  async freeze(): Promise<void> {
    const pid = this.#server?.pid;
    if (pid === undefined) throw new Error('the database is not running');
    // The parent first, so that it makes no more children.
    for (const each of [pid, ...(await childrenOf(pid))]) signal(each, 'SIGSTOP');
  }

  async thaw(): Promise<void> {
    const pid = this.#server?.pid;
    if (pid === undefined) return;
    for (const each of [...(await childrenOf(pid)), pid]) signal(each, 'SIGCONT');
  }

  async query<Row extends Record<string, unknown>>(text: string, values: unknown[] = []): Promise<Row[]> {
    return withClient(this.url, async (client) => (await client.query<Row>(text, values)).rows);
  }

  /** Ends it and takes its data away. Idempotent. */
  async remove(): Promise<void> {
    await this.thaw();
    await this.stop();
    await this.#port.release();
    await this.#directory.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  async #admin(text: string): Promise<void> {
    const url = this.#server?.url;
    if (url === undefined) throw new Error('the database is not running');
    await withClient(url, (client) => client.query(text));
  }
}

async function withClient<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  // A server that is stopped says so on the connection.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]);
    }),
  );
  return pids.filter((_, index) => parents[index] === parent);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
