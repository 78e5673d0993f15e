import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOperatorClient, type OperatorClient } from '@solstice/api';
import { expectNothingLeft } from './leftovers.js';
import { expectEveryRunReplays } from './replay.js';
import { TestRepository } from './repository.js';
import { type CommandResult, ciadm, SolsticeProcess } from './solstice-process.js';

/** A data directory with its settings, and the process that works on it. */
export class Installation {
  readonly directory: string;
  readonly dataDirectory: string;
  readonly webhookSecret = randomBytes(24).toString('hex');
  readonly hostId: string;
  #process: SolsticeProcess | undefined;

  private constructor(directory: string) {
    this.directory = directory;
    this.dataDirectory = join(directory, 'data');
    this.hostId = `e2e-${randomBytes(4).toString('hex')}`;
  }

  static async create(options: { backend: 'process' | 'container'; settings?: string }): Promise<Installation> {
    const directory = mkdtempSync(join(tmpdir(), 'solstice-e2e-'));
    // The embedded database runs as another user when the tests are root, and has to get through.
    chmodSync(directory, 0o711);
    const installation = new Installation(directory);
    writeFileSync(join(directory, 'webhook-secret'), installation.webhookSecret, { mode: 0o600 });
    writeFileSync(
      installation.settingsFile,
      `data_dir ${JSON.stringify(installation.dataDirectory)}
listen "127.0.0.1:0"
operator_listen "127.0.0.1:0"
host id="${installation.hostId}" backend="${options.backend}" slots=4 image="solstice-test/tools:1"
forge "local" kind="git" {
    webhook_secret_file ${JSON.stringify(join(directory, 'webhook-secret'))}
}
team "release" "ada" "grace"
${options.settings ?? ''}`,
    );
    try {
      await installation.start();
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
    return installation;
  }

  get settingsFile(): string {
    return join(this.directory, 'solstice.kdl');
  }

  get solstice(): SolsticeProcess {
    if (!this.#process) throw new Error('solstice is not started');
    return this.#process;
  }

  client(): OperatorClient {
    return createOperatorClient({ url: this.solstice.addresses.operator, token: this.solstice.operatorToken });
  }

  ciadm(...args: string[]): Promise<CommandResult> {
    return ciadm(this.solstice, ...args);
  }

  /** A bare repository that Solstice knows by this name, with its hook. */
  async addRepository(name: string): Promise<TestRepository> {
    const repository = await TestRepository.create(this.directory);
    const options = ['--forge', 'local', '--path', repository.bare, '--generate-secret', '--install-hook'];
    const added = await this.ciadm('repo', 'add', name, ...options);
    if (added.exitCode !== 0) throw new Error(`ciadm repo add ${name} failed: ${added.stderr}`);
    return repository;
  }

  async start(): Promise<void> {
    this.#process = await SolsticeProcess.start({ dataDirectory: this.dataDirectory, settingsFile: this.settingsFile });
  }

  /** Replays every run, stops in order, and fails if anything of ours is left on the machine. */
  async remove(): Promise<void> {
    if (this.#process?.isRunning) await expectEveryRunReplays(this.client());
    const exitCode = await this.#process?.kill('SIGTERM');
    if (exitCode !== undefined && exitCode !== 0) {
      throw new Error(`solstice up ended with ${exitCode}:\n${this.solstice.output.slice(-4000)}`);
    }
    await expectNothingLeft(this.hostId, this.directory);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
