import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SESSION_SOCKET } from '../backend.js';

export const standInRunnerBundle = fileURLToPath(new URL('./fixtures/stand-in-runner.cjs', import.meta.url));

/** What the stand-in says first. */
export interface StandInHello {
  workerId: string;
  token: string;
  pid: number;
  uid: number;
  cwd: string;
  env: Record<string, string>;
  /** Work directory, spool directory. */
  canWrite: [boolean, boolean];
}

export type StandInCommand =
  | { do: 'exit'; code: number }
  | { do: 'kill' }
  | { do: 'spawn'; command: string; args: string[]; env?: Record<string, string>; detached?: boolean }
  | { do: 'run'; command: string; args: string[] }
  | { do: 'read'; path: string }
  | { do: 'write'; path: string }
  | { do: 'lockedDirectory'; path: string }
  | { do: 'eatMemory' };

/** The other end of the stand-in runners' sockets. */
export class StandInSessions {
  readonly #server: Server;
  readonly #sessions = new Map<string, StandInSession>();
  readonly #waiters: (() => void)[] = [];

  private constructor(readonly directory: string) {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async listen(): Promise<StandInSessions> {
    const sessions = new StandInSessions(await mkdtemp(path.join(tmpdir(), 'solstice-sessions-')));
    // A user of an image that is not root must get to the socket.
    await chmod(sessions.directory, 0o755);
    await new Promise<void>((resolve, reject) => {
      sessions.#server.once('error', reject);
      sessions.#server.listen({ path: path.join(sessions.directory, SESSION_SOCKET), writableAll: true }, resolve);
    });
    return sessions;
  }

  /** Resolves once that worker's runner has dialled in. */
  async session(workerId: string): Promise<StandInSession> {
    for (;;) {
      const session = this.#sessions.get(workerId);
      if (session !== undefined) return session;
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  has(workerId: string): boolean {
    return this.#sessions.has(workerId);
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) session.close();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.directory, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    socket.on('error', () => undefined);
    const lines = createInterface(socket);
    lines.once('line', (line) => {
      const hello = JSON.parse(line) as StandInHello;
      this.#sessions.set(hello.workerId, new StandInSession(hello, socket, lines));
      for (const wake of this.#waiters.splice(0)) wake();
    });
  }
}

export class StandInSession {
  readonly #socket: Socket;
  readonly #lines: Interface;

  constructor(
    readonly hello: StandInHello,
    socket: Socket,
    lines: Interface,
  ) {
    this.#socket = socket;
    this.#lines = lines;
  }

  send(command: StandInCommand): void {
    this.#socket.write(`${JSON.stringify(command)}\n`);
  }

  /** Its answer; one command at a time. */
  async ask<T>(command: StandInCommand): Promise<T> {
    const line = await new Promise<string>((resolve) => {
      this.#lines.once('line', resolve);
      this.send(command);
    });
    return JSON.parse(line) as T;
  }

  close(): void {
    this.#socket.destroy();
  }
}
