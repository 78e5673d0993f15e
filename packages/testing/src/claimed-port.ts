import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';

export interface ClaimedPort {
  port: number;
  /** Idempotent. */
  release(): Promise<void>;
}

/** Below the ports of servers that machines have; the first of what the kernel hands out ends the range, if it is higher. */
const lowest = 15_000;
const highest = 32_767;

/**
 * A TCP port for a server that has to be told its port, and that may be away for a while and come back. The kernel's own
 * choice would not do: it gives the same port to the next who asks, or to any connection that goes out, while nobody
 * listens on it. So it is a port that the kernel hands out to nobody, and among the tests it belongs to whoever has the UDP
 * port of the same number. That ends with this process, however it ends.
 */
export async function claimPort(): Promise<ClaimedPort> {
  const end = Math.max(Math.min(await firstHandedOut(), highest + 1), lowest + 1_000);
  for (let tries = 0; tries < 1_000; tries += 1) {
    const port = randomInt(lowest, end);
    const claim = await bind(port);
    if (claim === undefined) continue;
    if (await isFree(port)) return claim;
    await claim.release();
  }
  throw new Error(`no port from ${lowest} to ${end - 1} is free`);
}

/** Where the ports begin that the kernel gives to those who name none, and to connections that go out. */
async function firstHandedOut(): Promise<number> {
  const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '32768');
  return Number.parseInt(range, 10);
}

/** Undefined: somebody else has it. */
async function bind(port: number): Promise<ClaimedPort | undefined> {
  const socket = createSocket('udp4');
  const isOurs = await new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false));
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
  if (!isOurs) {
    socket.close();
    return undefined;
  }
  // A claim that nobody gave back must not keep the process.
  socket.unref();
  let releasing: Promise<void> | undefined;
  const release = (): Promise<void> => {
    releasing ??= new Promise((resolve) => socket.close(resolve));
    return releasing;
  };
  return { port, release };
}

/** On every address: a server of this machine may have it that is no test. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
