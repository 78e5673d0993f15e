import type { Address } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Shutdown } from './shutdown.js';

/** A server without routes yet. Its own log is off: routes log what matters, without what a forge or a person sent. */
export function createServer(): FastifyInstance {
  return Fastify({ logger: false, trustProxy: false, forceCloseConnections: true });
}

/** Listens, and gives the address as bound (the settings may say port 0). */
export async function listen(
  app: FastifyInstance,
  name: string,
  address: Address,
  shutdown: Shutdown,
): Promise<string> {
  shutdown.add(`${name} listener`, () => app.close());
  try {
    await app.listen({ host: address.host, port: address.port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const where = `${address.host}:${address.port} (${name})`;
    if (code === 'EADDRINUSE') throw new SolsticeError('address-in-use', `${where} is taken by another process`);
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
      throw new SolsticeError('address-in-use', `cannot listen on ${where}: ${code}`, {
        hint: 'Set an address of this machine, with a port that this user may have (above 1023).',
      });
    }
    throw error;
  }
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') throw new SolsticeError('internal', `${name} listens nowhere`);
  const host = bound.address === '0.0.0.0' || bound.address === '::' ? '127.0.0.1' : bound.address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
}
