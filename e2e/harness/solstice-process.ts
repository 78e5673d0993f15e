import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '@solstice/testing';

/** The file that starts one of our commands. */
export const bin = (name: string) => fileURLToPath(new URL(`../../packages/${name}/bin/${name}.js`, import.meta.url));

export interface Addresses {
  public: string;
  operator: string;
  pid: number;
}

/** A real `solstice up`, as an operator would start it. */
export class SolsticeProcess {
  readonly dataDirectory: string;
  readonly addresses: Addresses;
  readonly #child: ChildProcess;
  readonly #output: () => string;

  private constructor(dataDirectory: string, addresses: Addresses, child: ChildProcess, output: () => string) {
    this.dataDirectory = dataDirectory;
    this.addresses = addresses;
    this.#child = child;
    this.#output = output;
  }

  static async start(options: {
    dataDirectory: string;
    settingsFile: string;
    environment?: NodeJS.ProcessEnv;
    args?: string[];
  }): Promise<SolsticeProcess> {
    const child = spawn(
      process.execPath,
      [bin('solstice'), 'up', '--config', options.settingsFile, ...(options.args ?? [])],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          DOCKER_HOST: process.env.DOCKER_HOST,
          ...options.environment,
        },
      },
    );
    let output = '';
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.stderr?.on('data', (data: Buffer) => {
      output += data.toString();
    });
    const file = join(options.dataDirectory, 'addresses.json');
    // `close`, not `exit`: all that it had to say has been read by then.
    const ended = once(child, 'close').then(([exitCode]) => {
      throw new Error(`solstice up exited with ${exitCode}:\n${output}`);
    });
    const listening = eventually(
      () => {
        if (!existsSync(file)) return undefined;
        const read = JSON.parse(readFileSync(file, 'utf8')) as Addresses;
        // Its last word is read after all that it said before: the file alone may be seen first.
        return read.pid === child.pid && /^Solstice is up: /m.test(output) ? read : undefined;
      },
      { describe: () => `solstice up to listen:\n${output.slice(-4000)}` },
    );
    const addresses = await Promise.race([listening, ended]).finally(() => {
      // Whichever came second is nobody's business any more.
      for (const rest of [listening, ended]) rest.catch(() => undefined);
    });
    return new SolsticeProcess(options.dataDirectory, addresses, child, () => output);
  }

  get output(): string {
    return this.#output();
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get operatorToken(): string {
    return readFileSync(join(this.dataDirectory, 'operator.token'), 'utf8').trim();
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    if (this.isRunning) {
      const exited = once(this.#child, 'exit');
      this.#child.kill(signal);
      await exited;
    }
    return this.#child.exitCode;
  }
}

export interface CommandResult {
  exitCode: number;
  stdout: Buffer;
  stderr: string;
}

/** Runs ciadm against a process, as an operator would on the same machine. */
export function ciadm(solstice: { dataDirectory: string }, ...args: string[]): Promise<CommandResult> {
  return runCiadm(['--data-dir', solstice.dataDirectory, ...args]);
}

export async function runCiadm(args: string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [bin('ciadm'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => stdout.push(data));
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const [exitCode] = (await once(child, 'close')) as [number];
  return { exitCode, stdout: Buffer.concat(stdout), stderr };
}
