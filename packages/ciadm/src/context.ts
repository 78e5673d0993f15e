import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createOperatorClient, type OperatorClient } from '@solstice/api';
import { loadSettings, type Settings } from '@solstice/common/config';
import { SolsticeError, toError } from '@solstice/common/errors';
import type { Io } from './io.js';
import type { Output } from './output.js';

export interface GlobalOptions {
  json?: boolean;
  dataDir?: string;
  config?: string;
  url?: string;
  tokenFile?: string;
}

/** What a command works with: where it prints, and how it finds the server. */
export class Context {
  readonly io: Io;
  readonly output: Output;
  readonly options: GlobalOptions;

  constructor(io: Io, output: Output, options: GlobalOptions) {
    this.io = io;
    this.output = output;
    this.options = options;
  }

  get json(): boolean {
    return this.options.json === true;
  }

  get actor(): string {
    return this.io.env.SUDO_USER || this.io.env.USER || this.io.env.LOGNAME || 'operator';
  }

  /** Fires on Ctrl-C, and when nobody reads the output any more. */
  get stopped(): AbortSignal {
    return AbortSignal.any([this.io.interrupted, this.output.closed]);
  }

  async settings(): Promise<Settings> {
    const { config, dataDir } = this.options;
    const env = dataDir === undefined ? this.io.env : { ...this.io.env, SOLSTICE_DATA_DIR: this.path(dataDir) };
    return await loadSettings({
      env,
      machine: this.io.machine,
      ...(config !== undefined && { file: config }),
    });
  }

  async dataDirectory(): Promise<string> {
    const { dataDir } = this.options;
    return dataDir === undefined ? (await this.settings()).dataDirectory : this.path(dataDir);
  }

  /** Relative to where the command was started. */
  path(path: string): string {
    return resolve(this.io.machine.workingDirectory ?? '/', path);
  }

  async client(): Promise<OperatorClient> {
    return createOperatorClient({ url: await this.#url(), token: await this.#token(), signal: this.io.interrupted });
  }

  async #url(): Promise<string> {
    const said = this.options.url ?? this.io.env.SOLSTICE_URL;
    if (said !== undefined && said !== '') {
      if (URL.canParse(said) && /^https?:$/.test(new URL(said).protocol)) return said;
      throw new SolsticeError('usage', `"${said}" is no address.`, { hint: 'Like http://127.0.0.1:8421.' });
    }
    const directory = await this.dataDirectory();
    const addresses = await readAddresses(directory);
    if (addresses) return addresses.operator;
    throw new SolsticeError('api-unreachable', `No server runs on the data directory ${directory}.`, {
      hint: 'Start one with solstice up, or say where it is with --data-dir or --url.',
    });
  }

  async #token(): Promise<string> {
    const said = this.options.tokenFile ?? (this.io.env.SOLSTICE_TOKEN_FILE || undefined);
    const file = said === undefined ? join(await this.dataDirectory(), 'operator.token') : this.path(said);
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? toError(error).message;
      throw new SolsticeError('api-unauthorised', `The token file ${file} cannot be read (${reason}).`, {
        cause: error,
      });
    }
  }
}

export interface ServerAddresses {
  public: string;
  operator: string;
  /** Of the process that listens there. */
  pid: number | undefined;
}

/** What the running server wrote into its data directory. Undefined: none, or none that can be read. */
export async function readAddresses(dataDirectory: string): Promise<ServerAddresses | undefined> {
  try {
    const addresses: unknown = JSON.parse(await readFile(join(dataDirectory, 'addresses.json'), 'utf8'));
    if (typeof addresses !== 'object' || addresses === null) return undefined;
    const { public: publicUrl, operator, pid } = addresses as Record<string, unknown>;
    if (typeof publicUrl !== 'string' || typeof operator !== 'string') return undefined;
    return { public: publicUrl, operator, pid: typeof pid === 'number' ? pid : undefined };
  } catch {
    return undefined;
  }
}
