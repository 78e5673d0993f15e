import { createHash, timingSafeEqual } from 'node:crypto';
import { SolsticeError } from '@solstice/common/errors';
import type { FastifyRequest } from 'fastify';

/** Rejects with `api-unauthorised` unless the request bears the token with this SHA-256. Constant time: hashes are compared. */
export function requireToken(tokenHash: Uint8Array): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const given = createHash('sha256').update(token).digest();
    const right = given.length === tokenHash.length && timingSafeEqual(given, tokenHash);
    if (!right || token === '') {
      throw new SolsticeError('api-unauthorised', 'The operator API wants its bearer token.');
    }
  };
}
