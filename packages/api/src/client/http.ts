import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, errorCodes, SolsticeError, toError } from '@solstice/common/errors';
import type { z } from 'zod';
import { RefusedError } from '../operator/errors.js';
import { errorAnswerSchema } from '../schemas.js';

export interface OperatorClientSettings {
  /** Of the operator listener, e.g. `http://127.0.0.1:8421`. */
  url: string;
  token: string;
  /** Ends whatever is being asked. */
  signal?: AbortSignal;
  /** The pauses before what has a key is asked again, when its answer was lost. */
  repeatAfterMs?: readonly number[];
}

export type Query = Record<string, string | number | boolean | undefined>;

/** Long enough for a server that is started anew. */
const repeatAfterMs = [200, 500, 1_000, 2_000, 5_000, 10_000];

/** Requests to the operator API. Rejects with a SolsticeError: `api-unreachable`, `api-unauthorised`, or what the server said. */
export class OperatorHttp {
  readonly #settings: OperatorClientSettings;

  constructor(settings: OperatorClientSettings) {
    this.#settings = settings;
  }

  async get<Schema extends z.ZodType>(schema: Schema, path: string, query: Query = {}): Promise<z.output<Schema>> {
    return await this.#read(schema, await this.open('GET', path, { query }));
  }

  async post<Schema extends z.ZodType>(schema: Schema, path: string, body: object): Promise<z.output<Schema>> {
    return await this.#read(schema, await this.open('POST', path, { body }));
  }

  /**
   * Of what makes something: repeated with one key when the answer is lost, so that it is made once. Where nobody listens
   * from the start, nothing was lost. Given up, the error says the key.
   */
  async postOnce<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    body: object,
    key: string = randomUUID(),
  ): Promise<z.output<Schema>> {
    const headers = { 'idempotency-key': `"${key}"` };
    const pausesMs = [...(this.#settings.repeatAfterMs ?? repeatAfterMs)];
    let mayHaveHappened = false;
    for (;;) {
      try {
        return await this.#read(schema, await this.open('POST', path, { body, headers }));
      } catch (error) {
        if (!isLost(error)) throw error;
        mayHaveHappened ||= !wasNobodyThere(error);
        if (!mayHaveHappened) throw error;
        const pauseMs = pausesMs.shift();
        if (pauseMs === undefined) {
          const hint = `It may have happened. Ask for the same again with the key ${key} (--key): it happens once.`;
          throw new SolsticeError(error.code, error.message, { hint, cause: error });
        }
        await delay(pauseMs, undefined, this.#settings.signal && { signal: this.#settings.signal });
      }
    }
  }

  /** The answer with its body not yet read. */
  async open(
    method: 'GET' | 'POST',
    path: string,
    options: { query?: Query; body?: object; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response> {
    const url = new URL(`/api/v1${path}`, this.#settings.url);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value === true ? '1' : value === false ? '0' : String(value));
    }
    const headers: Record<string, string> = {
      authorization: `Bearer ${this.#settings.token}`,
      ...(options.body && { 'content-type': 'application/json' }),
      ...options.headers,
    };
    const response = await this.#fetch(url, {
      method,
      headers,
      redirect: 'error',
      ...(options.body && { body: JSON.stringify(options.body) }),
      ...(options.signal && { signal: options.signal }),
    });
    if (!response.ok) throw await errorOf(response, this.#settings.url);
    return response;
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    const signals = [this.#settings.signal, init.signal].filter((signal) => signal !== undefined && signal !== null);
    try {
      return await fetch(url, { ...init, signal: AbortSignal.any(signals) });
    } catch (error) {
      if (signals.some((signal) => signal.aborted)) throw error;
      throw unreachable(this.#settings.url, error);
    }
  }

  async #read<Schema extends z.ZodType>(schema: Schema, response: Response): Promise<z.output<Schema>> {
    let answer: unknown;
    try {
      answer = await response.json();
    } catch (error) {
      throw unreachable(this.#settings.url, error);
    }
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw notOurs(this.#settings.url, parsed.error);
  }
}

export function unreachable(url: string, error: unknown): SolsticeError {
  const { message, cause } = toError(error);
  const reason = (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
  return new SolsticeError('api-unreachable', `${url} does not answer (${reason}).`, { cause: error });
}

/** Nobody knows whether it has happened. */
function isLost(error: unknown): error is SolsticeError {
  return (
    error instanceof SolsticeError &&
    error.retryable &&
    (error.code === 'api-unreachable' || error.code === 'database-unavailable')
  );
}

function wasNobodyThere({ cause }: SolsticeError): boolean {
  return (toError(cause).cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
}

function notOurs(url: string, cause: unknown): SolsticeError {
  return new SolsticeError('api-unreachable', `${url} answers, but not as this version of Solstice does.`, {
    hint: 'Is it the operator address, and of the same version?',
    retryable: false,
    cause,
  });
}

async function errorOf(response: Response, url: string): Promise<SolsticeError> {
  const parsed = errorAnswerSchema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success) {
    const cause = new Error(`status ${response.status}`);
    // What a proxy says when nobody is behind it: no more than a lost connection.
    return [502, 503, 504].includes(response.status) ? unreachable(url, cause) : notOurs(url, cause);
  }
  const { code, message, hint, state } = parsed.data.error;
  if (code === 'refused') return new RefusedError(message, state ?? 'unknown', hint);
  if (code === 'api-unauthorised') return new SolsticeError('api-unauthorised', `${url} refused the token.`);
  const known: ErrorCode = code in errorCodes ? (code as ErrorCode) : 'internal';
  return new SolsticeError(known, message, { hint });
}
