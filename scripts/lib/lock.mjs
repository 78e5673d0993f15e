import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { root } from './root.mjs';

/**
 * Runs `work` while holding the lock of that name in this checkout. Waiting costs nothing and a lock is never stale:
 * it is a listening socket without a file (Linux' abstract names), which the kernel takes away with its process.
 *
 * @param {string} name
 * @param {() => Promise<T>} work
 * @param {() => void} [onWait] called once, when another process has the lock
 * @returns {Promise<T>}
 * @template T
 */
export async function withLock(name, work, onWait = () => {}) {
  const key = createHash('sha256').update(`${process.getuid?.()} ${root}`).digest('hex').slice(0, 16);
  const path = `\0solstice-${name}-${key}`;
  let hasWaited = false;
  for (;;) {
    const server = await listen(path);
    if (server !== undefined) {
      try {
        return await work();
      } finally {
        server.close();
        for (const waiting of server.waiting) {
          waiting.destroy();
        }
      }
    }
    if (!hasWaited) {
      hasWaited = true;
      onWait();
    }
    await untilReleased(path);
  }
}

function listen(path) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      server.waiting.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => server.waiting.delete(socket));
    });
    server.waiting = new Set();
    server.on('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(path, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** The holder keeps our connection open for as long as it has the lock. */
function untilReleased(path) {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('error', () => {});
    socket.on('close', resolve);
    socket.resume();
  });
}
