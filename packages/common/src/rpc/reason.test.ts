import { describe, expect, it } from 'vitest';
import { FAIL_REASON_BYTES } from './outputs.js';
import { toReason } from './reason.js';

describe('a reason', () => {
  it.each(['', 'no space\nleft ü 😀', 'x'.repeat(FAIL_REASON_BYTES)])(
    'stays as it is where both sides take it',
    (text) => {
      expect(toReason(text)).toBe(text);
    },
  );

  it('has nothing in it that no variable and no database can have', () => {
    expect(toReason('a\0b \ud83d c \udc00 😀')).toBe('a b   c   😀');
  });

  it.each(['x', 'ü', '€', '😀'])('is cut by its bytes, and never within a character: %s', (character) => {
    for (const head of ['', 'a', 'ab', 'abc']) {
      const reason = toReason(head + character.repeat(FAIL_REASON_BYTES + 1));
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(FAIL_REASON_BYTES);
      expect(Buffer.byteLength(reason)).toBeGreaterThan(FAIL_REASON_BYTES - 4);
      expect(reason.slice(head.length, -1).replaceAll(character, '')).toBe('');
      expect(reason.endsWith('…')).toBe(true);
    }
  });
});
