import { createHash } from 'node:crypto';
import { SolsticeError } from '@solstice/common/errors';
import type { RequestKey } from '@solstice/common/store';
import type { FastifyRequest } from 'fastify';

/** As a string of RFC 8941, which is how the header is specified; and bare, as many clients send it. */
const quoted = /^"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,200})"$/;
const bare = /^[A-Za-z0-9._~:+/=-]{1,200}$/;

/**
 * The key of a request that makes runs (draft-ietf-httpapi-idempotency-key-header), with what is asked for, in JSON: all
 * that the answer depends on. `by` is left out of it: a colleague or another machine may repeat the request. Undefined: it
 * has no key, and makes something each time.
 */
export function requestKeyOf(
  request: FastifyRequest,
  asked: { what: string; [name: string]: unknown },
): RequestKey | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  const text = String(header).trim();
  const key = quoted.exec(text)?.[1] ?? bare.exec(text)?.[0];
  if (key === undefined) {
    throw new SolsticeError('usage', 'The header Idempotency-Key has no key that can be one.', {
      hint: 'Up to 200 characters of ASCII in double quotes, without quotes and backslashes between them: a UUID does.',
    });
  }
  const { by: _, ...compared } = asked;
  return { key, fingerprint: createHash('sha256').update(inOneOrder(compared)).digest('hex') };
}

/** JSON that is the same for the same values, in whatever order they were written. */
function inOneOrder(value: unknown): string {
  return JSON.stringify(value, (_name, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
