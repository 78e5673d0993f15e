import type { KdlCode } from './diagnostic-codes.js';
import type { DiagnosticSink } from './diagnostic-sink.js';
import { quote } from './diagnostic-sink.js';
import type { FileKind } from './file-kind.js';
import { kdlLimits } from './limits.js';
import type { LineIndex } from './line-index.js';

const newline = /[\n\v\f\r\u0085\u2028\u2029]/;
const whitespace = /[\n\v\f\r\u0085\u2028\u2029\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff]/;
// Raw control, direction and lone surrogate characters, which KDL forbids; the first reader is slow in reporting many.
const forbidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000e-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]|(?!^)\ufeff|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * Reads a text once, in linear time, before any KDL library sees it: limits, and the mistakes that the libraries are
 * slow or hard to understand about (what is opened and never closed, line ends in strings, bad escapes, indentation).
 */
export class TextScanner {
  private offset = 0;
  private problems = 0;
  private slashdashes = 0;
  private readonly braces: number[] = [];
  /** The first "{" whose "}" is indented otherwise: there a missing one was most likely meant. */
  private misaligned: number | undefined;

  constructor(
    private readonly text: string,
    private readonly lines: LineIndex,
    private readonly kind: FileKind,
    private readonly sink: DiagnosticSink,
  ) {}

  /** False: something was reported, and the libraries should not be asked. */
  scan(): boolean {
    const bad = forbidden.exec(this.text);
    if (bad !== null) {
      const code = bad[0].codePointAt(0)?.toString(16).padStart(4, '0');
      this.report(
        bad.index,
        bad.index + 1,
        `the character U+${code} may not stand in a file`,
        `Take it out; in a string it can be written \\u{${code}}.`,
        'bad-character',
      );
      return false;
    }
    while (this.offset < this.text.length && this.problems < 10) {
      if (!this.token()) return false;
    }
    const open = this.braces.length > 0 ? (this.misaligned ?? this.braces.at(-1)) : undefined;
    if (open !== undefined && this.problems === 0) {
      this.report(open, open + 1, 'this "{" is never closed', 'Add the missing "}".');
    }
    return this.problems === 0;
  }

  private token(): boolean {
    const character = this.text[this.offset];
    switch (character) {
      case '"':
        return this.text.startsWith('"""', this.offset) ? this.multiline('', this.offset) : this.quoted();
      case '#':
        return this.hashes();
      case '/':
        return this.slash();
      case '{':
        this.braces.push(this.offset);
        if (this.braces.length > kdlLimits.depth) {
          return this.tooDeep(this.offset, 1, `blocks stand more than ${kdlLimits.depth} deep`);
        }
        break;
      case '}':
        return this.closingBrace();
      default:
    }
    this.offset += 1;
    return true;
  }

  private closingBrace(): boolean {
    const open = this.braces.pop();
    if (open === undefined) {
      this.report(
        this.offset,
        this.offset + 1,
        'this "}" closes nothing',
        'Take it out, or add the missing "{" before.',
      );
      return false;
    }
    const own = this.indentation(this.offset);
    if (own.isFirst && own.width !== this.indentation(open).width) this.misaligned ??= open;
    this.offset += 1;
    return true;
  }

  /** Of the line in which an offset stands, and whether it is the first thing there. Looks back 200 characters at most. */
  private indentation(offset: number): { width: number; isFirst: boolean } {
    const before = this.text.slice(Math.max(0, offset - 200), offset);
    const line = before.slice(Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1);
    const width = line.search(/[^ \t]/);
    return width < 0 ? { width: line.length, isFirst: true } : { width, isFirst: false };
  }

  private slash(): boolean {
    const start = this.offset;
    const next = this.text[start + 1];
    if (next === '/') {
      while (this.offset < this.text.length && !newline.test(this.text.charAt(this.offset))) this.offset += 1;
      return true;
    }
    if (next === '-') {
      this.slashdashes += 1;
      if (this.slashdashes > kdlLimits.slashdashes) {
        this.problems += 1;
        this.sink.error(
          this.lines.span(start, start + 2),
          'too-many-values',
          `more than ${kdlLimits.slashdashes} parts are commented out with "/-"`,
          'Comment out whole lines with "//", or delete them.',
        );
        return false;
      }
    }
    if (next !== '*') {
      this.offset += next === '-' ? 2 : 1;
      return true;
    }
    let depth = 0;
    while (this.offset < this.text.length) {
      if (this.text.startsWith('/*', this.offset)) {
        depth += 1;
        if (depth > kdlLimits.depth) {
          return this.tooDeep(this.offset, 2, `comments stand more than ${kdlLimits.depth} deep`);
        }
        this.offset += 2;
      } else if (this.text.startsWith('*/', this.offset)) {
        depth -= 1;
        this.offset += 2;
        if (depth === 0) return true;
      } else {
        this.offset += 1;
      }
    }
    this.report(start, start + 2, 'this comment is never closed', 'Add "*/" at its end.');
    return false;
  }

  private quoted(): boolean {
    const start = this.offset;
    this.offset += 1;
    while (this.offset < this.text.length) {
      const character = this.text.charAt(this.offset);
      if (character === '"') {
        this.offset += 1;
        return true;
      }
      if (character === '\\') {
        this.escape();
      } else if (newline.test(character)) {
        this.report(
          start,
          this.offset,
          'this string is not closed on its line',
          'Close it with a quote, or write a text of several lines between """ and """.',
        );
        return false;
      } else {
        this.offset += 1;
      }
    }
    this.report(start, this.text.length, 'this string is never closed', 'Add a quote at its end.');
    return false;
  }

  private escape(): void {
    const start = this.offset;
    const next = this.text.charAt(start + 1);
    if (next === 'u') {
      const written = /^u\{([0-9a-fA-F]{1,6})\}/.exec(this.text.slice(start + 1, start + 10));
      const value = Number.parseInt(written?.[1] ?? '', 16);
      if (written !== null && value <= 0x10ffff && !(value >= 0xd800 && value <= 0xdfff)) {
        this.offset = start + 1 + written[0].length;
        return;
      }
    } else if (next !== '' && 'nrt\\"bfs'.includes(next)) {
      this.offset = start + 2;
      return;
    } else if (next !== '' && whitespace.test(next)) {
      this.offset = start + 1;
      while (this.offset < this.text.length && whitespace.test(this.text.charAt(this.offset))) this.offset += 1;
      return;
    }
    this.offset = start + 2;
    if (next === '/') {
      // An escape of KDL 1.0.
      this.report(start, start + 2, '"\\/" is not an escape', 'A slash needs no backslash.');
      return;
    }
    const [written = '\\'] =
      /^\\(?:u(?:\{[^}"]{0,8}\}?|[0-9a-fA-F]{0,4})|[\s\S])?/.exec(this.text.slice(start, start + 16)) ?? [];
    this.report(
      start,
      start + written.length,
      `${quote(written)} is not an escape`,
      'There are \\n \\r \\t \\\\ \\" \\b \\f \\s and \\u{1F600}. A backslash itself is \\\\; in a raw string, #"…"#, nothing is escaped.',
      'bad-escape',
    );
  }

  private hashes(): boolean {
    const start = this.offset;
    while (this.text[this.offset] === '#') this.offset += 1;
    if (this.text[this.offset] !== '"') return true;
    const hashes = this.text.slice(start, this.offset);
    if (this.text.startsWith('"""', this.offset)) return this.multiline(hashes, start);
    const end = this.text.indexOf(`"${hashes}`, this.offset + 1);
    const lineEnd = this.text.slice(this.offset, end < 0 ? undefined : end).search(newline);
    if (end < 0 || lineEnd >= 0) {
      this.report(
        start,
        lineEnd >= 0 ? this.offset + lineEnd : this.text.length,
        `this raw string is not closed with "${hashes} on its line`,
        `Write a text of several lines between ${hashes}""" and """${hashes}.`,
      );
      return false;
    }
    this.offset = end + 1 + hashes.length;
    return true;
  }

  /** `"""` … `"""`, or with hashes: every line must begin with the whitespace that stands before the closing quotes. */
  private multiline(hashes: string, start: number): boolean {
    this.offset = start + hashes.length + 3;
    if (!newline.test(this.text.charAt(this.offset))) {
      this.report(
        start,
        this.offset,
        'a line must end after """',
        'The text begins on the next line; the closing """ stands on a line of its own.',
      );
      return false;
    }
    const lineStarts: number[] = [];
    let lastLine = this.offset;
    const closing = `"""${hashes}`;
    while (!this.text.startsWith(closing, this.offset)) {
      if (this.offset >= this.text.length) {
        this.report(
          start,
          start + hashes.length + 3,
          'this text is never closed',
          `Add ${closing} on a line of its own at its end.`,
        );
        return false;
      }
      const character = this.text.charAt(this.offset);
      if (character === '\\' && hashes === '') {
        this.escape();
      } else if (newline.test(character)) {
        this.offset += this.text.startsWith('\r\n', this.offset) ? 2 : 1;
        lineStarts.push(this.offset);
        lastLine = this.offset;
      } else {
        this.offset += 1;
      }
    }
    const indentation = this.text.slice(lastLine, this.offset);
    const end = this.offset + closing.length;
    this.offset = end;
    if ([...indentation].some((character) => !whitespace.test(character) && character !== '\\')) {
      this.report(
        end - closing.length,
        end,
        `the closing ${closing} must stand on a line of its own`,
        'Put it on the next line.',
      );
      return false;
    }
    if (indentation.includes('\\')) return true;
    return this.indented(lineStarts, indentation);
  }

  private indented(lineStarts: number[], indentation: string): boolean {
    for (const start of lineStarts) {
      if (this.text.startsWith(indentation, start)) continue;
      let first = start;
      while (whitespace.test(this.text.charAt(first)) && !newline.test(this.text.charAt(first))) first += 1;
      if (newline.test(this.text.charAt(first))) continue;
      this.report(
        start,
        first + 1,
        'this line is indented less than the closing """',
        'Indent it at least as far, with the same spaces or tabs.',
      );
      return false;
    }
    return true;
  }

  private tooDeep(offset: number, length: number, message: string): boolean {
    this.problems += 1;
    this.sink.error(
      this.lines.span(offset, offset + length),
      'too-deep',
      message,
      `No ${this.kind.one} needs that; look for a missing end.`,
    );
    return false;
  }

  private report(start: number, end: number, message: string, hint: string, code: KdlCode = 'syntax'): void {
    this.problems += 1;
    this.sink.error(this.lines.span(start, end), code, message, hint);
  }
}
