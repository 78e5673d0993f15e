import { once } from 'node:events';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

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

/** Live streams of one listener: bounded in number, and ended when it closes (readers come back elsewhere). */
export class LiveStreams {
  readonly #limit: number;
  readonly #open = new Set<AbortController>();

  constructor(app: FastifyInstance, limit: number) {
    this.#limit = limit;
    app.addHook('preClose', async () => {
      for (const stream of this.#open) stream.abort();
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
    request: FastifyRequest,
    reply: FastifyReply,
    headers: Record<string, string>,
    make: (signal: AbortSignal) => AsyncIterable<string | Uint8Array>,
  ): Promise<void> {
    const gone = new AbortController();
    const onClose = () => gone.abort();
    const raw = reply.raw;
    this.#open.add(gone);
    raw.on('close', onClose);
    reply.hijack();
    try {
      const { signal } = gone;
      raw.writeHead(200, { ...stringHeaders(reply), ...headers });
      raw.flushHeaders();
      for await (const piece of make(signal)) {
        if (signal.aborted) break;
        if (!raw.write(piece)) await once(raw, 'drain', { signal }).catch(() => undefined);
      }
      raw.end();
    } catch (error) {
      // The status line is gone: cutting the connection is the only way left to say that this is not all.
      request.log.warn({ err: error }, 'a live stream broke off');
      raw.destroy();
    } finally {
      raw.off('close', onClose);
      this.#open.delete(gone);
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
