/**
 * Bytes of a terminal as text that is safe to show: UTF-8 (what isn't becomes U+FFFD), escape sequences left out,
 * carriage returns as line ends, other control characters as their pictures. Takes pieces: what may go on in the
 * next one (half a character, half a sequence) is held back, at most a KiB or so.
 */
export class PlainText {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #keepColours: boolean;
  #held = '';

  /** `colours`: escape sequences that only set a colour or weight stay, for a terminal that shows them. */
  constructor(options: { colours?: boolean } = {}) {
    this.#keepColours = options.colours ?? false;
  }

  push(bytes: Uint8Array): string {
    return this.#clean(this.#held + this.#decoder.decode(bytes, { stream: true }), false);
  }

  /** What was held back, at the end of the stream. */
  end(): string {
    return this.#clean(this.#held + this.#decoder.decode(), true);
  }

  #clean(text: string, last: boolean): string {
    this.#held = '';
    let whole = text;
    if (!last) {
      const open = openSequence.exec(text);
      if (open) {
        this.#held = open[0];
        whole = text.slice(0, open.index);
      }
    }
    return whole.replace(/\r\n?/g, '\n').replace(special, (found) => {
      if (found.length === 1) return pictureOf(found);
      return this.#keepColours && colour.test(found) ? found : '';
    });
  }
}

/** Longer than any real escape sequence; beyond it an escape is only a control character. */
const longest = 1024;
// CSI; OSC, DCS, SOS, PM, APC up to their terminator; two- and three-character escapes.
const sequences = [
  `\\u001b\\[[0-?]{0,${longest}}[ -/]{0,8}[@-~]`,
  `\\u001b[\\]PX^_][^\\u0007\\u001b\\n]{0,${longest}}(?:\\u0007|\\u001b\\\\)`,
  '\\u001b[ -/]{1,3}[0-~]',
  '\\u001b[0-OQ-WYZ\\\\`a-~]',
];
// Besides the control characters those that turn the direction of writing around.
const controls = '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]';
const special = new RegExp(`${sequences.join('|')}|${controls}`, 'g');
// The same sequences, cut off by the end of the piece; or a carriage return, which may be half of a line end.
const openSequence = new RegExp(
  `(?:\\r|\\u001b(?:|\\[[0-?]{0,${longest}}[ -/]{0,8}|[\\]PX^_][^\\u0007\\u001b\\n]{0,${longest}}\\u001b?|[ -/]{1,3}))$`,
);
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for
const colour = /^\u001b\[[\d;:]*m$/;

function pictureOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  return '\ufffd';
}
