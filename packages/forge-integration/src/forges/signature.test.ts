import { Secret } from '@solstice/common/config';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hmacHex, matchSignature, withoutPrefix } from './signature.js';

const secret = new Secret("It's a Secret to Everybody");

test("GitHub's own example", () => {
  expect(hmacHex(secret, Buffer.from('Hello, World!'))).toBe(
    '757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  );
});

test('each secret is answered for by itself', () => {
  const body = Buffer.from('{"a":1}');
  const other = new Secret('other');
  const signature = hmacHex(other, body);
  expect(matchSignature(signature, body, [secret, other, other])).toEqual([false, true, true]);
  expect(matchSignature(signature.toUpperCase(), body, [other])).toEqual([true]);
});

test('nothing but 64 hex digits is a signature, and an empty secret signs nothing', () => {
  const body = Buffer.from('x');
  const empty = new Secret('');
  for (const claimed of [
    undefined,
    '',
    '00',
    'x'.repeat(64),
    `${hmacHex(secret, body)}00`,
    `sha256=${hmacHex(secret, body)}`,
  ]) {
    expect(matchSignature(claimed, body, [secret])).toEqual([false]);
  }
  expect(matchSignature(hmacHex(empty, body), body, [empty])).toEqual([false]);
});

test('one changed byte of the body, and it is another signature', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (body, at) => {
      const signature = hmacHex(secret, body);
      expect(matchSignature(signature, body, [secret])).toEqual([true]);
      const changed = Uint8Array.from(body);
      changed[at % body.length] = (changed[at % body.length] ?? 0) ^ 1;
      expect(matchSignature(signature, changed, [secret])).toEqual([false]);
    }),
  );
});

test('the prefix is asked for', () => {
  expect(withoutPrefix('sha256=ab')).toBe('ab');
  for (const header of [undefined, 'ab', 'sha1=ab', 'SHA256=ab']) expect(withoutPrefix(header)).toBeUndefined();
});
