import { rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A unix socket that leads to another, and that can be cut. */
export class Detour {
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #asked = '';
  #onAsked: () => void = () => undefined;

  private constructor(
    readonly target: string,
    readonly socketPath: string,
  ) {}

  static async to(target: string, socketPath: string): Promise<Detour> {
    const detour = new Detour(target, socketPath);
    await detour.open();
    return detour;
  }

  async open(): Promise<void> {
    await rm(this.socketPath, { force: true });
    const server = createServer((near) => this.#join(near));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.socketPath, resolve));
  }

  /** Ends every connection in the middle of whatever it carries; new ones are refused. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Resolves once a request that matches has been passed on and its answer has begun. */
  async untilAsked(request: RegExp): Promise<void> {
    while (!request.test(this.#asked)) {
      await new Promise<void>((resolve) => {
        this.#onAsked = resolve;
      });
    }
  }

  #join(near: Socket): void {
    const far = createConnection(this.target);
    let asked = '';
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    }
    near.on('data', (data) => {
      asked += data.toString('latin1');
    });
    far.on('data', () => {
      this.#asked += asked;
      this.#onAsked();
    });
    near.pipe(far).pipe(near);
  }
}
