import { describe, expect, test } from 'vitest';
import { PlainText } from './plain-text.js';

const bytes = (text: string) => new TextEncoder().encode(text);

function whole(input: Uint8Array, options = {}): string {
  const text = new PlainText(options);
  return text.push(input) + text.end();
}

describe('PlainText', () => {
  test.each([
    ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['cursor movement', 'a\u001b[2J\u001b[10;20Hb', 'ab'],
    ['a window title', '\u001b]0;title\u0007text', 'text'],
    ['a link', '\u001b]8;;http://evil\u001b\\click\u001b]8;;\u001b\\', 'click'],
    ['character sets', '\u001b(Bx\u001b=y', 'xy'],
    ['a progress bar', '10%\r20%\r\n', '10%\n20%\n'],
    ['NUL, BEL, backspace', 'a\u0000\u0007\u0008b', 'a␀␇␈b'],
    ['an escape of nothing', '\u001b', '␛'],
    ['text that turns itself around', 'a\u202eb\u2066c', 'a\ufffdb\ufffdc'],
    ['markup, which stays text', '<script>alert(1)</script>&amp;', '<script>alert(1)</script>&amp;'],
    ['tabs and lines', 'a\tb\nc', 'a\tb\nc'],
  ])('%s', (_name, input, expected) => {
    expect(whole(bytes(input))).toBe(expected);
  });

  test('what is no UTF-8 is told as such', () => {
    expect(whole(Uint8Array.from([0x61, 0xff, 0xfe, 0x62]))).toBe('a\ufffd\ufffdb');
  });

  test('colours may stay, and nothing else', () => {
    const input = '\u001b[1;31mred\u001b[0m\u001b[2J\u001b]52;c;ZXZpbA==\u0007';
    expect(whole(bytes(input), { colours: true })).toBe('\u001b[1;31mred\u001b[0m');
  });

  test('the same however it is cut', () => {
    const input = bytes('é\u001b[31mx\u001b]0;ti\u0007\r\n€\u001b(B𝄞\r\u001b]8;;a\u001b\\z\u001b');
    const expected = whole(input);
    for (let cut = 0; cut <= input.length; cut += 1) {
      const text = new PlainText();
      expect(text.push(input.slice(0, cut)) + text.push(input.slice(cut)) + text.end()).toBe(expected);
    }
    const text = new PlainText();
    const single = [...input].map((byte) => text.push(Uint8Array.of(byte))).join('') + text.end();
    expect(single).toBe(expected);
  });

  test('an escape that never ends is not held back for ever, and costs no time', () => {
    const text = new PlainText();
    const began = performance.now();
    let length = 0;
    for (let i = 0; i < 200; i += 1) length += text.push(bytes(`\u001b]${'x'.repeat(5000)}`)).length;
    expect(length).toBeGreaterThan(900_000);
    expect(performance.now() - began).toBeLessThan(2000);
  });
});
