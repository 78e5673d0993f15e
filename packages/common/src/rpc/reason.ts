import { FAIL_REASON_BYTES } from './outputs.js';

const MARK = '…';

/**
 * Why something failed, as both sides take it: programs say anything, and what is refused for its words would be said again
 * for ever. No variable and no database has a NUL or half of a character; what is too long is cut, never within one.
 */
export function toReason(text: string): string {
  const clean = text.replace(/[\0\p{Surrogate}]/gu, ' ');
  const bytes = Buffer.from(clean);
  if (bytes.length <= FAIL_REASON_BYTES) return clean;
  let end = FAIL_REASON_BYTES - Buffer.byteLength(MARK);
  while (isWithinCharacter(bytes[end])) end -= 1;
  return `${bytes.toString('utf8', 0, end)}${MARK}`;
}

/** Of UTF-8: all but the first byte of a character. */
function isWithinCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
