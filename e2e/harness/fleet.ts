import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOperatorClient, type OperatorClient } from '@solstice/api';
import { loadOrCreateKey } from '@solstice/common/secrets';
import {
  eventually,
  FleetPostgres,
  type LabHost,
  NetworkLab,
  type RabbitServer,
  startRabbitServer,
} from '@solstice/testing';
import { FleetNode } from './fleet-node.js';
import { type HostOptions, ports, type SharedSettings, settingsText } from './fleet-settings.js';
import { expectNothingLeft, pidsNaming } from './leftovers.js';
import { expectEveryRunReplays } from './replay.js';
import { TestRepository } from './repository.js';
import { type CommandResult, runCiadm } from './solstice-process.js';

export interface FleetOptions {
  /** The folder of RabbitMQ's programs: what rabbitForTests() found. */
  scripts: string;
  /** True: hosts can be put into networks of their own, and cut off. */
  lab?: boolean;
}

export interface NodeOptions {
  roles: string;
  host?: HostOptions;
  where?: LabHost;
  /** More lines of its solstice.kdl. */
  settings?: string[];
}

/**
 * PostgreSQL and RabbitMQ of its own, and any number of `solstice serve` processes. Every process has an address of its
 * own (all of 127.0.0.0/8 is this machine), so all of them have the same ports, and nobody has to look for a free one.
 */
export class Fleet {
  readonly directory: string;
  readonly postgres: FleetPostgres;
  readonly rabbit: RabbitServer;
  readonly lab: NetworkLab | undefined;
  readonly operatorToken = randomBytes(24).toString('hex');
  readonly webhookSecret = randomBytes(24).toString('hex');
  readonly nodes = new Map<string, FleetNode>();
  readonly #prefix = `e2e-${randomBytes(3).toString('hex')}`;
  readonly #network = `127.${randomInt(1, 255)}.${randomInt(0, 255)}`;

  private constructor(directory: string, parts: { postgres: FleetPostgres; rabbit: RabbitServer; lab?: NetworkLab }) {
    this.directory = directory;
    this.postgres = parts.postgres;
    this.rabbit = parts.rabbit;
    this.lab = parts.lab;
  }

  /** Database and broker run; no node yet. */
  static async create(options: FleetOptions): Promise<Fleet> {
    const directory = mkdtempSync(join(tmpdir(), 'solstice-e2e-'));
    chmodSync(directory, 0o711);
    const lab = options.lab ? await NetworkLab.create() : undefined;
    const starting = [
      FleetPostgres.start(lab ? { address: lab.address, network: lab.network } : {}),
      startRabbitServer({ scripts: options.scripts, ...(lab ? { listenHost: lab.address } : {}) }),
    ] as const;
    const [postgres, rabbit] = await Promise.allSettled(starting);
    if (postgres.status === 'rejected' || rabbit.status === 'rejected') {
      if (postgres.status === 'fulfilled') await postgres.value.remove();
      if (rabbit.status === 'fulfilled') await rabbit.value.stop();
      await lab?.remove();
      rmSync(directory, { recursive: true });
      throw postgres.status === 'rejected' ? postgres.reason : (rabbit as PromiseRejectedResult).reason;
    }
    const fleet = new Fleet(directory, {
      postgres: postgres.value,
      rabbit: rabbit.value,
      ...(lab ? { lab } : {}),
    });
    writeFileSync(join(directory, 'webhook-secret'), fleet.webhookSecret, { mode: 0o600 });
    writeFileSync(join(directory, 'operator.token'), fleet.operatorToken, { mode: 0o600 });
    await loadOrCreateKey(join(directory, 'secret.key'));
    return fleet;
  }

  /** Writes the settings of a node; it is not started yet. `as`: what it has from another node, which it should not. */
  prepare(name: string, options: NodeOptions, as: { hostId?: string; dataDirectory?: string } = {}): FleetNode {
    const address = options.where?.address ?? `${this.#network}.${this.nodes.size + 1}`;
    const home = join(this.directory, name);
    mkdirSync(home);
    const hostId = options.host ? (as.hostId ?? `${this.#prefix}-${name}`) : undefined;
    const settingsFile = join(home, 'solstice.kdl');
    const node = new FleetNode({
      name,
      roles: options.roles,
      address,
      hostId,
      dataDirectory: as.dataDirectory ?? join(home, 'data'),
      settingsFile,
      where: options.where,
    });
    const { hostFile, ...host } = options.host ?? { backend: 'process' };
    if (hostFile !== undefined) writeFileSync(join(home, 'host.kdl'), hostFile);
    writeFileSync(
      settingsFile,
      settingsText(this.#shared(), {
        dataDirectory: node.dataDirectory,
        address,
        host:
          hostId === undefined
            ? undefined
            : { ...host, id: hostId, ...(hostFile === undefined ? {} : { file: join(home, 'host.kdl') }) },
        more: options.settings ?? [],
      }),
    );
    this.nodes.set(name, node);
    return node;
  }

  /** Nodes by name, all started, all at once. */
  async start(nodes: Record<string, NodeOptions>): Promise<void> {
    const prepared = Object.entries(nodes).map(([name, options]) => this.prepare(name, options));
    await Promise.all(prepared.map((node) => node.start()));
  }

  node(name: string): FleetNode {
    const node = this.nodes.get(name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** Of a node that serves the API; else of the first that does. */
  client(name?: string): OperatorClient {
    const node = name === undefined ? this.#api() : this.node(name);
    return createOperatorClient({ url: node.urls.operator, token: this.operatorToken });
  }

  ciadm(...args: string[]): Promise<CommandResult> {
    return this.ciadmAt(this.#api().name, ...args);
  }

  ciadmAt(name: string, ...args: string[]): Promise<CommandResult> {
    const token = join(this.directory, 'operator.token');
    return runCiadm(['--url', this.node(name).urls.operator, '--token-file', token, ...args]);
  }

  /** A bare repository that the fleet knows by this name, with its hook. */
  async addRepository(name: string): Promise<TestRepository> {
    const repository = await TestRepository.create(this.directory);
    const options = ['--forge', 'local', '--path', repository.bare, '--generate-secret', '--install-hook'];
    const added = await this.ciadm('repo', 'add', name, ...options);
    if (added.exitCode !== 0) throw new Error(`ciadm repo add ${name} failed: ${added.stderr}`);
    return repository;
  }

  /** What every process said, the newest of each: for the message of a test that failed. */
  said(bytesOfEach = 3000): string {
    return [...this.nodes.values()]
      .map((node) => `── ${node.name} (${node.roles})\n${node.output.slice(-bytesOfEach)}`)
      .join('\n');
  }

  /** Replays every run, stops all in order, and fails if anything of ours is left on the machine. */
  async remove(): Promise<void> {
    const failures: string[] = [];
    const attempt = async (what: string, work: () => Promise<void>) => {
      await work().catch((error: unknown) => failures.push(`${what}: ${error instanceof Error ? error.stack : error}`));
    };
    await attempt('heal', async () => this.lab?.heal());
    const api = [...this.nodes.values()].find((node) => node.roles.includes('api') && node.isRunning);
    if (api) {
      await attempt('replay', () => expectEveryRunReplays(this.client(api.name)));
      await attempt('runs', () => this.#cancelAll(this.client(api.name)));
    }
    await Promise.all(
      [...this.nodes.values()].map((node) =>
        attempt(node.name, async () => {
          if (!node.isRunning) return;
          const { exitCode, signal } = await node.end('SIGTERM');
          if (exitCode !== 0) throw new Error(`ended with ${signal ?? exitCode}:\n${node.output.slice(-4000)}`);
        }),
      ),
    );
    for (const { hostId, dataDirectory } of this.nodes.values()) {
      if (hostId !== '') await attempt(hostId, () => expectNothingLeft(hostId, dataDirectory));
    }
    await attempt('RabbitMQ', () => this.rabbit.stop());
    await attempt('PostgreSQL', () => this.postgres.remove());
    await attempt('network', async () => this.lab?.remove());
    await attempt('processes', () => expectNothingLeft(this.#prefix, this.directory));
    // What a failed test left running must not outlive it.
    for (const pid of pidsNaming(this.directory)) process.kill(pid, 'SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
    if (failures.length > 0) throw new Error(failures.join('\n'));
  }

  /** A test that failed half way leaves runs behind, and their workers would go on without any orchestrator. */
  async #cancelAll(client: OperatorClient): Promise<void> {
    const live = await client.runs({ state: 'blocked queued running', limit: 1000 });
    for (const { id } of live) await client.cancel(id, { reason: 'the test is over' });
    await eventually(async () => (await this.postgres.query('select 1 from workers')).length === 0, {
      describe: () => `the workers of ${live.length} runs to be gone`,
      intervalMs: 100,
    });
  }

  #api(): FleetNode {
    const node = [...this.nodes.values()].find(({ roles }) => roles.split(',').includes('api'));
    if (!node) throw new Error('no node serves the API');
    return node;
  }

  #shared(): SharedSettings {
    return {
      databaseUrl: this.postgres.url,
      queueUrl: this.rabbit.broker.url(),
      // The first node takes the webhooks.
      publicUrl: `http://${this.#network}.1:${ports.public}`,
      operatorTokenFile: join(this.directory, 'operator.token'),
      secretKeyFile: join(this.directory, 'secret.key'),
      webhookSecretFile: join(this.directory, 'webhook-secret'),
    };
  }
}
