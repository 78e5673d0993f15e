import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@solstice/common/telemetry';
import { runnerBundlePath } from '@solstice/runner/bundle';
import { type TemporaryDirectory, temporaryDirectory } from '@solstice/testing';
import { createSessionServer, type SessionLimits, type SessionServer } from '../index.js';
import type { RecordingHandler } from './recording-handler.js';

export interface RunnerExitStatus {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** The real runner as a process of its own. */
export class RunnerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<RunnerExitStatus>;

  constructor(bootFile: string, environment: NodeJS.ProcessEnv, options: { userId?: number; bundle?: string } = {}) {
    const { userId, bundle = runnerBundlePath } = options;
    this.child = spawn(process.execPath, [bundle, '--boot', bootFile], {
      env: environment,
      ...(userId === undefined ? {} : { uid: userId, gid: userId }),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    this.child.stderr?.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stderr }));
    });
  }

  /** Resident memory now, in bytes. */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }
}

/** A worker's directories, a session server that can go and come back, and the runners started in it. */
export class Bench implements AsyncDisposable {
  readonly directory: TemporaryDirectory;
  readonly handler: RecordingHandler;
  /** The most that `spooledBytes` has seen. */
  largestSpoolBytes = 0;
  readonly #runners: RunnerProcess[] = [];
  #server: SessionServer | undefined;

  private constructor(directory: TemporaryDirectory, handler: RecordingHandler) {
    this.directory = directory;
    this.handler = handler;
  }

  static async make(handler: RecordingHandler, limits: Partial<SessionLimits> = {}): Promise<Bench> {
    const bench = new Bench(await temporaryDirectory('solstice-runner-'), handler);
    await mkdir(bench.sessionDirectory);
    await bench.startServer(limits);
    return bench;
  }

  get sessionDirectory(): string {
    return join(this.directory.path, 'session');
  }
  get workDirectory(): string {
    return join(this.directory.path, 'work');
  }
  get spoolDirectory(): string {
    return join(this.directory.path, 'spool');
  }

  async startServer(limits: Partial<SessionLimits> = {}): Promise<void> {
    const logger = createLogger({ level: 'silent' });
    this.#server = await createSessionServer({
      socketDirectory: this.sessionDirectory,
      handler: this.handler,
      logger,
      limits,
    });
  }

  async stopServer(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async startRunner(
    boot: Record<string, unknown> = {},
    environment: NodeJS.ProcessEnv = {},
    options: { userId?: number; bundle?: string } = {},
  ): Promise<RunnerProcess> {
    await mkdir(this.workDirectory, { recursive: true });
    await mkdir(this.spoolDirectory, { recursive: true });
    const bootFile = join(this.directory.path, `boot-${this.#runners.length}.json`);
    const fields = {
      workerId: this.handler.workerId,
      token: this.handler.token.toString('base64'),
      address: `unix:${join(this.sessionDirectory, 'session.sock')}`,
      workDirectory: this.workDirectory,
      spoolDirectory: this.spoolDirectory,
      ...boot,
    };
    await writeFile(bootFile, JSON.stringify(fields));
    const runner = new RunnerProcess(bootFile, { PATH: process.env.PATH, ...environment }, options);
    this.#runners.push(runner);
    return runner;
  }

  /** Runs the job to its end and gives how the runner exited. */
  async run(): Promise<RunnerExitStatus> {
    const runner = await this.startRunner();
    return await runner.ended;
  }

  /** Is there such a file in the work directory? */
  async inWork(name: string): Promise<boolean> {
    return (await readdir(this.workDirectory)).includes(name);
  }

  /** How much lies in the spool's segments now. */
  async spooledBytes(): Promise<number> {
    const names = (await readdir(this.spoolDirectory)).filter((name) => name.endsWith('.segment'));
    const sizes = names.map((name) =>
      stat(join(this.spoolDirectory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    this.largestSpoolBytes = Math.max(this.largestSpoolBytes, bytes);
    return bytes;
  }

  /** What lies in them, as text: what the runner said is in it as it is. */
  async spooledText(): Promise<string> {
    const names = (await readdir(this.spoolDirectory)).filter((name) => name.endsWith('.segment'));
    return (await Promise.all(names.map((name) => readFile(join(this.spoolDirectory, name), 'utf8')))).join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // SIGTERM: a runner takes its steps along.
    for (const runner of this.#runners) runner.child.kill('SIGTERM');
    await Promise.all(this.#runners.map((runner) => runner.ended));
    await this.stopServer();
    await this.directory.remove();
    if (this.handler.violations.length > 0) throw new Error(this.handler.violations.join('\n'));
  }
}
