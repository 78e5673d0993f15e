import type { Clock } from '@solstice/common/clock';
import type { Secret } from '@solstice/common/config';
import type { z } from 'zod';
import { ForgeError, forgeErrorOfFailure, forgeErrorOfResponse } from '../forge-error.js';

/** The little of Forgejo's HTTP API that is used, with its failures in our words. A 404 is `undefined`: the caller knows what it means. */
export class ForgejoClient {
  readonly #base: string;
  readonly #token: Secret | undefined;
  readonly #clock: Clock;

  constructor(options: { url: string; token: Secret | undefined; clock: Clock }) {
    this.#base = `${options.url.replace(/\/+$/, '')}/api/v1`;
    this.#token = options.token;
    this.#clock = options.clock;
  }

  async json<T>(what: string, path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined> {
    const response = await this.#send(what, path, {}, signal);
    if (!response) return undefined;
    const parsed = schema.safeParse(await body(what, () => response.json()));
    if (parsed.success) return parsed.data;
    throw new ForgeError('refused', `${what}: the answer is not what Forgejo sends; is the address right?`, {
      cause: parsed.error,
    });
  }

  /** At most `maxBytes` + 1 bytes: one more shows that there are more. */
  async bytes(what: string, path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const response = await this.#send(what, path, {}, signal);
    if (!response) return undefined;
    return body(what, async () => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of response.body ?? []) {
        chunks.push(chunk);
        length += chunk.length;
        if (length > maxBytes) break;
      }
      return Buffer.concat(chunks).subarray(0, maxBytes + 1);
    });
  }

  /** False: 404. */
  async post(what: string, path: string, payload: unknown, signal: AbortSignal): Promise<boolean> {
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(payload) };
    const response = await this.#send(what, path, request, signal);
    await response?.body?.cancel();
    return response !== undefined;
  }

  async #send(
    what: string,
    path: string,
    request: { method?: string; headers?: Record<string, string>; body?: string },
    signal: AbortSignal,
  ): Promise<Response | undefined> {
    let response: Response;
    let message = '';
    try {
      response = await fetch(`${this.#base}${path}`, {
        ...request,
        headers: {
          accept: 'application/json',
          'user-agent': 'solstice-ci',
          ...request.headers,
          ...(this.#token ? { authorization: `token ${this.#token.reveal()}` } : {}),
        },
        // Following one would turn a POST into a GET and, elsewhere, hand the token over.
        redirect: 'manual',
        signal,
      });
      if (response.ok) return response;
      message = (await response.text()).slice(0, 1000);
    } catch (error) {
      throw forgeErrorOfFailure(what, error);
    }
    if (response.status === 404) return undefined;
    if (response.status >= 300 && response.status < 400) {
      message = `moved to ${response.headers.get('location') ?? 'somewhere else'}`;
    }
    const { status, headers } = response;
    throw forgeErrorOfResponse({ what, status, header: (name) => headers.get(name), message, now: this.#clock.now() });
  }
}

async function body<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw forgeErrorOfFailure(what, error);
  }
}
