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

  /** An address was said: the server is not looked for on this machine. */
  get isServerElsewhere(): boolean {
    return this.#saidUrl !== undefined;
  }

  get #saidUrl(): string | undefined {
    return this.options.url ?? (this.io.env.SOLSTICE_URL || undefined);
  }

  async #url(): Promise<string> {
    const said = this.#saidUrl;
    if (said !== undefined) {
      if (URL.canParse(said) && /^https?:$/.test(new URL(said).protocol)) return said;
      throw new SolsticeError('usage', `"${said}" is no address.`, { hint: 'Like http://127.0.0.1:8421.' });
    }
    const directory = await this.dataDirectory();
    const addresses = await readAddresses(directory);
    if (addresses) return addresses.operator;
    throw new SolsticeError('api-unreachable', `No server runs on the data directory ${directory}.`, {
      hint:
        'Start one with solstice up, or say where it is: --data-dir on its machine; elsewhere --url or SOLSTICE_URL, ' +
        'with --token-file or SOLSTICE_TOKEN_FILE.',
    });
  }

  async #token(): Promise<string> {
    const file = await this.tokenFile();
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? toError(error).message;
      throw new SolsticeError('api-unauthorised', `The token file ${file} cannot be read (${reason}).`, {
        cause: error,
        hint: 'Set --token-file or SOLSTICE_TOKEN_FILE to a copy of the token that the server has (operator_token_file, or operator.token in its data directory).',
      });
    }
  }

  /** The one that was said; else as the settings of this machine have it, where a fleet shares one; else the data directory's. */
  async tokenFile(): Promise<string> {
    const { tokenFile, dataDir } = this.options;
    const said = tokenFile ?? (this.io.env.SOLSTICE_TOKEN_FILE || undefined);
    if (said !== undefined) return this.path(said);
    if (dataDir !== undefined) return join(this.path(dataDir), 'operator.token');
    const { operatorTokenFile, dataDirectory } = await this.settings();
    return operatorTokenFile ?? join(dataDirectory, 'operator.token');
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
