import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SolsticeError } from '../errors/index.js';
import { createSealer } from './seal.js';

const key = new Uint8Array(32).fill(7);
const sealer = createSealer(key);

test('what was sealed comes back, and no two sealed values are alike', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const sealed = sealer.seal(text);
      expect(sealer.unseal(sealed)).toBe(text);
      expect(Buffer.from(sealer.seal(text))).not.toEqual(Buffer.from(sealed));
    }),
  );
});

test('the sealed value names its key, and another key is refused by name', () => {
  const other = createSealer(new Uint8Array(32).fill(8));
  expect(other.keyId).not.toBe(sealer.keyId);
  expect(Buffer.from(sealer.seal('x')).toString('hex').slice(2, 18)).toBe(sealer.keyId);
  expect(() => other.unseal(sealer.seal('x'))).toThrow(sealer.keyId);
  expect(() => other.unseal(sealer.seal('x'))).toThrow(SolsticeError);
});

test('a changed bit anywhere is noticed', () => {
  const sealed = sealer.seal('hunter2 hunter2');
  for (let index = 0; index < sealed.length; index++) {
    const changed = Uint8Array.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(() => sealer.unseal(changed)).toThrow(SolsticeError);
  }
  for (let length = 0; length < sealed.length; length++) {
    expect(() => sealer.unseal(sealed.subarray(0, length))).toThrow(SolsticeError);
  }
});

test('neither the key nor the text shows in the sealer or in its errors', () => {
  const secret = 'correct horse battery staple';
  const sealed = sealer.seal(secret);
  sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 1;
  let message = '';
  try {
    sealer.unseal(sealed);
  } catch (error) {
    message = inspect(error);
  }
  const shown = `${inspect(sealer, { depth: 9 })}${JSON.stringify(sealer)}${message}${Buffer.from(sealed).toString('latin1')}`;
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain(Buffer.from(key).toString('hex'));
});

test('a key of another length is refused', () => {
  expect(() => createSealer(new Uint8Array(16))).toThrow(RangeError);
});
