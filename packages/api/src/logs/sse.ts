import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@solstice/common/telemetry';
import type { FastifyInstance, FastifyReply } from 'fastify';

export interface ServerSentEvent {
  event: string;
  /** Given back by the reader as Last-Event-ID. */
  id?: string;
  data: unknown;
}

/** JSON has no raw line ends, so one `data:` line is always enough. */
export function formatEvent({ event, id, data }: ServerSentEvent): string {
  const idLine = id === undefined ? '' : `id: ${id}\n`;
  return `event: ${event}\n${idLine}data: ${JSON.stringify(data)}\n\n`;
}

export const keepAlive = ': nothing new\n\n';

/** How long a listener that closes waits for its streams to end in order. */
const graceMs = 1000;

/** Live streams of one listener: bounded in number, and ended when it closes (readers come back elsewhere). */
export class LiveStreams {
  readonly #limit: number;
  readonly #logger: Logger;
  readonly #open = new Map<AbortController, Promise<void>>();

  constructor(app: FastifyInstance, logger: Logger, limit: number) {
    this.#limit = limit;
    this.#logger = logger;
    app.addHook('preClose', async () => {
      for (const stream of this.#open.keys()) stream.abort();
      const grace = new AbortController();
      const ended = Promise.allSettled(this.#open.values()).then(() => grace.abort());
      await Promise.race([ended, delay(graceMs, undefined, { signal: grace.signal }).catch(() => undefined)]);
    });
  }

  get full(): boolean {
    return this.#open.size >= this.#limit;
  }

  /**
   * Sends what `make` yields, no faster than the reader takes it. The signal given to `make` fires when the reader
   * is gone or the listener closes.
   */
  async send(
    reply: FastifyReply,
    headers: Record<string, string>,
    make: (signal: AbortSignal) => AsyncIterable<string | Uint8Array>,
  ): Promise<void> {
    const gone = new AbortController();
    reply.hijack();
    const sending = this.#pump(reply, headers, make, gone);
    this.#open.set(gone, sending);
    await sending.finally(() => this.#open.delete(gone));
  }

  async #pump(
    reply: FastifyReply,
    headers: Record<string, string>,
    make: (signal: AbortSignal) => AsyncIterable<string | Uint8Array>,
    gone: AbortController,
  ): Promise<void> {
    const { raw } = reply;
    const { signal } = gone;
    const onClose = () => gone.abort();
    raw.on('close', onClose);
    try {
      raw.writeHead(200, { ...stringHeaders(reply), ...headers });
      raw.flushHeaders();
      for await (const piece of make(signal)) {
        if (signal.aborted) break;
        if (!raw.write(piece)) await once(raw, 'drain', { signal }).catch(() => undefined);
      }
      raw.end();
    } catch (error) {
      // The status line is gone: cutting the connection is the only way left to say that this is not all.
      this.#logger.warn({ err: error, route: reply.request.routeOptions.url }, 'a live stream broke off');
      raw.destroy();
    } finally {
      raw.off('close', onClose);
    }
  }
}

export const eventStreamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Proxies must not collect a stream before they hand it on.
  'x-accel-buffering': 'no',
};

function stringHeaders(reply: FastifyReply): Record<string, string> {
  return Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));
}
