import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../eventually.js';
import { type ReceivedSpan, spansOf } from './received-span.js';

export interface OtlpReceiver {
  /** For the setting `otlp_url`. */
  readonly url: string;
  /** In the order in which they came. */
  readonly spans: readonly ReceivedSpan[];
  /** Requests so far, refused ones too; with their headers. */
  readonly requests: readonly { headers: IncomingMessage['headers'] }[];
  /** What it answers from now on. Default 200; spans of refused requests are not kept. */
  answer(status: number): void;
  /** Once at least one span fits; fails with the names of those that came. */
  until(fits: (span: ReceivedSpan) => boolean, timeoutMs?: number): Promise<ReceivedSpan>;
  close(): Promise<void>;
}

export interface OtlpReceiverOptions {
  /** Default: this machine alone. */
  host?: string;
  /** Default: a free one. */
  port?: number;
}

/** What an OpenTelemetry collector is to those who send: takes traces by OTLP over HTTP, as JSON, and keeps them. */
export async function startOtlpReceiver({
  host = '127.0.0.1',
  port = 0,
}: OtlpReceiverOptions = {}): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: { headers: IncomingMessage['headers'] }[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      requests.push({ headers: request.headers });
      const known = request.method === 'POST' && request.url === '/v1/traces';
      const answer = known ? status : 404;
      if (answer === 200) spans.push(...spansOf(JSON.parse(body)));
      response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: given } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${given}`,
    spans,
    requests,
    answer: (next) => {
      status = next;
    },
    until: (fits, timeoutMs) =>
      eventually(
        async () => {
          const found = spans.find(fits);
          if (found === undefined)
            throw new Error(`no such span; there are: ${spans.map(({ name }) => name).join(', ')}`);
          return found;
        },
        ...(timeoutMs === undefined ? [] : [{ timeoutMs }]),
      ),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
