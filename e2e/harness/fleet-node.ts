import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually, type LabHost } from '@solstice/testing';
import { ports } from './fleet-settings.js';
import { bin } from './solstice-process.js';

export interface Ending {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

export interface FleetNodeOptions {
  name: string;
  /** As after `--roles`. */
  roles: string;
  address: string;
  /** With the orchestrator role. */
  hostId: string | undefined;
  dataDirectory: string;
  settingsFile: string;
  /** Default: the network of the machine. */
  where: LabHost | undefined;
}

/** One `solstice serve` of a fleet: a process with settings, a data directory and an address of its own, which may be started again and again. */
export class FleetNode {
  readonly name: string;
  readonly roles: string;
  readonly hostId: string;
  readonly dataDirectory: string;
  readonly settingsFile: string;
  readonly urls: { public: string; operator: string; health: string };
  /** What all its processes printed, one after the other. */
  output = '';
  readonly #options: FleetNodeOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<Ending> | undefined;

  constructor(options: FleetNodeOptions) {
    this.name = options.name;
    this.roles = options.roles;
    this.hostId = options.hostId ?? '';
    this.dataDirectory = options.dataDirectory;
    this.settingsFile = options.settingsFile;
    const url = (port: number) => `http://${options.address}:${port}`;
    this.urls = { public: url(ports.public), operator: url(ports.operator), health: url(ports.health) };
    this.#options = options;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.name} was never started`);
    return pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Until it says that it is ready. Rejects with all that it said when it ends instead. */
  async start(): Promise<void> {
    const from = this.output.length;
    const ended = this.spawn();
    const said = () => this.output.slice(from);
    const ready = eventually(() => /^Solstice serves .*: ready/m.test(said()), {
      describe: () => `${this.name} to be ready; it said:\n${said().slice(-4000)}`,
    });
    const failed = ended.then(({ exitCode, signal }) => {
      throw new Error(`${this.name} ended with ${signal ?? exitCode}:\n${said()}`);
    });
    await Promise.race([ready, failed]).finally(() => {
      // Whichever came second is nobody's business any more.
      for (const rest of [ready, failed]) rest.catch(() => undefined);
    });
  }

  /** Starts the process and gives its end, for those that are not meant to become ready. */
  spawn(): Promise<Ending> {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const args = [bin('solstice'), 'serve', '--roles', this.roles, '--config', this.settingsFile];
    const [command, all] = this.#options.where?.command(process.execPath, args) ?? [process.execPath, args];
    const child = spawn(command, all, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        DOCKER_HOST: process.env.DOCKER_HOST,
        TMPDIR: process.env.TMPDIR,
      },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.#child = child;
    // `close`, not `exit`: all that it had to say has been read by then.
    this.#ended = once(child, 'close').then(([exitCode, signal]) => ({ exitCode, signal }) as Ending);
    return this.#ended;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child?.kill(signal);
  }

  /** Sends the signal and waits for the end. A process that has ended already gives that. */
  async end(signal: NodeJS.Signals): Promise<Ending> {
    if (!this.#ended) return { exitCode: 0, signal: null };
    this.signal(signal);
    return this.#ended;
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.end(signal);
    await this.start();
  }

  /** An endpoint of the health listener: its status, 0 where nobody answers, and its text. */
  async health(path: 'livez' | 'readyz' | 'metrics'): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`${this.urls.health}/${path}`, { signal: AbortSignal.timeout(10_000) });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      return { status: 0, text: String(error) };
    }
  }
}
