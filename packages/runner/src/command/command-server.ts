import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type CommandAnswer, type CommandRequest, readRequest } from './request.js';
import { socketPathIn } from './socket.js';

/** The largest that a command line can hold, with every byte escaped. */
const maxRequestBytes = 1024 * 1024;
const withinMs = 10_000;

/** Takes what `solstice` in a step asks. Whoever can reach the socket belongs to the job. */
export class CommandServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(answer: (request: CommandRequest) => CommandAnswer) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket, answer));
  }

  /** Rejects with what the system says. */
  static async listen(directory: string, answer: (request: CommandRequest) => CommandAnswer): Promise<CommandServer> {
    const made = new CommandServer(answer);
    const path = socketPathIn(directory);
    await new Promise<void>((resolve, reject) => {
      made.#server.once('error', reject);
      made.#server.listen(path, resolve);
    });
    // A step may become another user; the directory is the job's own.
    chmodSync(path, 0o666);
    return made;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket, answer: (request: CommandRequest) => CommandAnswer): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.setTimeout(withinMs, () => socket.destroy());
    const chunks: Buffer[] = [];
    let bytes = 0;
    const say = (what: CommandAnswer) => {
      socket.removeAllListeners('data');
      socket.resume();
      socket.end(`${JSON.stringify(what)}\n`);
    };
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxRequestBytes) return say({ error: `a request may have ${maxRequestBytes} bytes` });
      if (!chunk.includes(10)) return;
      const request = readRequest(Buffer.concat(chunks).toString('utf8').split('\n', 1)[0] ?? '');
      say(request === undefined ? { error: 'the runner does not understand this' } : answer(request));
    });
  }
}
