import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '@solstice/common/config';

/** HMAC-SHA256 over the bytes as they came, in lower-case hex: what every forge signs with. */
export function hmacHex(secret: Secret, body: Uint8Array): string {
  return createHmac('sha256', secret.reveal()).update(body).digest('hex');
}

/** For each secret: does it give this signature? Tries all; `claimed` is hex without a prefix. */
export function matchSignature(claimed: string | undefined, body: Uint8Array, secrets: readonly Secret[]): boolean[] {
  if (claimed === undefined || !/^[0-9a-f]{64}$/i.test(claimed)) return secrets.map(() => false);
  const wanted = Buffer.from(claimed, 'hex');
  return secrets.map((secret) => {
    const equal = timingSafeEqual(Buffer.from(hmacHex(secret, body), 'hex'), wanted);
    return equal && secret.reveal() !== '';
  });
}

/** `sha256=<hex>` without its prefix; undefined for anything else. */
export function withoutPrefix(header: string | undefined): string | undefined {
  return header?.startsWith('sha256=') ? header.slice('sha256='.length) : undefined;
}
