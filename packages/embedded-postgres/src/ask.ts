import { connect } from 'node:net';

export type Answer =
  | { kind: 'value'; value: string }
  /** The server speaks, but not yet or no longer to clients (starting, recovering, stopping): SQLSTATE 57P03. */
  | { kind: 'not-ready' }
  /** Nobody listens, or what listens is no PostgreSQL. */
  | { kind: 'silent'; reason: string };

/**
 * Asks a server for the first column of the first row of a query, in the few messages of PostgreSQL's protocol that
 * this takes. Enough to know whether it is up and whose it is, without a client library. Never rejects.
 */
export async function ask(path: string, query: string, timeoutMs: number): Promise<Answer> {
  return await new Promise((resolve) => {
    let received = Buffer.alloc(0);
    let value: string | undefined;
    const socket = connect({ path });
    const end = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end({ kind: 'silent', reason: `no answer in ${timeoutMs} ms` }), timeoutMs);
    socket.on('error', (error) => end({ kind: 'silent', reason: error.message }));
    socket.on('close', () => end({ kind: 'silent', reason: 'the connection was closed' }));
    socket.on('connect', () => socket.write(startupMessage({ user: 'solstice', database: 'postgres' })));
    let asked = false;
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      for (;;) {
        const size = received.length < 5 ? Number.POSITIVE_INFINITY : 1 + received.readUInt32BE(1);
        if (received.length < size) return;
        const type = String.fromCharCode(received[0] ?? 0);
        const body = received.subarray(5, size);
        received = received.subarray(size);
        if (type === 'E') {
          const text = body.toString('utf8');
          return end(text.includes('\0C57P03\0') ? { kind: 'not-ready' } : { kind: 'silent', reason: readable(text) });
        }
        if (type === 'D' && body.readUInt16BE(0) > 0)
          value = body.subarray(6, 6 + body.readInt32BE(2)).toString('utf8');
        if (type === 'Z' && asked) return end({ kind: 'value', value: value ?? '' });
        if (type === 'Z') {
          asked = true;
          socket.write(queryMessage(query));
        }
      }
    });
  });
}

function startupMessage(parameters: Record<string, string>): Buffer {
  const pairs = Object.entries(parameters).flat();
  const body = Buffer.from(`${pairs.join('\0')}\0\0`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.writeUInt32BE(0x0003_0000, 4);
  return Buffer.concat([head, body]);
}

function queryMessage(query: string): Buffer {
  const body = Buffer.from(`${query}\0`);
  const head = Buffer.alloc(5);
  head.write('Q');
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** The message field of an ErrorResponse: `SFATAL\0…\0Mmessage\0…`. */
function readable(fields: string): string {
  return (
    fields
      .split('\0')
      .find((field) => field.startsWith('M'))
      ?.slice(1) ?? 'an error without a message'
  );
}
