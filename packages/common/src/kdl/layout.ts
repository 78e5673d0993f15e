import { indentedText } from './indented-text.js';
import { type Token, tokensOf } from './tokens.js';

const step = '    ';

interface Block {
  /** It stands on one line, and stays there. */
  inline: boolean;
  /** Of the node that it is the block of. */
  continued: boolean;
}

/**
 * The text in the form of the documentation: each node on a line of its own, indented by 4 spaces a block, one space
 * between its parts, at most one empty line in a row. A block that stands on one line stays there. Names, values and comments are
 * as they were, but for `respelled`: what stands at an offset in place of what is written. For a text without syntax errors.
 */
export function layOut(text: string, respelled: ReadonlyMap<number, string> = new Map()): string {
  const mark = text.startsWith('\ufeff') ? '\ufeff' : '';
  const body = tokensOf(text).map((token) =>
    token.offset === 0 && mark !== '' ? { ...token, text: token.text.slice(1) } : token,
  );
  const tokens = body.filter((token) => token.text !== '');
  // Not one inside a text: that one stays.
  const lineEnd = tokens.find(({ kind }) => kind === 'newline')?.text === '\r\n' ? '\r\n' : '\n';
  return mark + new Layout(tokens, lineEnd, respelled).write();
}

class Layout {
  private out = '';
  private readonly blocks: Block[] = [];
  /** Nothing stands on the line yet. */
  private lineStart = true;
  private emptyLine = false;
  /** A node has begun, and nothing has ended it. */
  private nodeOpen = false;
  /** Its line has been continued with a backslash. */
  private continued = false;
  /** After that backslash, before the line end. */
  private escaped = false;
  /** A ";" was read in a block on one line; it is written if something follows. */
  private semicolon = false;
  /** A mark was read, and not what it comments out. */
  private slashdash = false;
  private before: Token | undefined;
  private space: string | undefined;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly lineEnd: string,
    private readonly respelled: ReadonlyMap<number, string>,
  ) {}

  write(): string {
    for (const [index, token] of this.tokens.entries()) {
      if (token.kind === 'space') {
        this.space = token.text;
        continue;
      }
      this.place(token, index);
      if (!(token.kind === 'newline' && this.slashdash)) this.space = undefined;
    }
    if (!this.lineStart) this.breakLine();
    return this.out;
  }

  private place(token: Token, index: number): void {
    switch (token.kind) {
      case 'newline':
        this.newline();
        return;
      case 'semicolon':
        this.endNode(index);
        return;
      case 'open':
        this.open(token, index);
        break;
      case 'close':
        this.close(token);
        break;
      case 'comment':
        this.comment(token);
        break;
      case 'continuation':
        this.append(token.text, false);
        this.escaped = true;
        break;
      case 'text':
        this.append(indentedText(token.text, step.repeat(this.blocks.length + 1)), this.isGlued());
        this.nodeOpen = true;
        break;
      case 'word':
        this.append(this.respelled.get(token.offset) ?? token.text, this.isGlued());
        this.nodeOpen = true;
        break;
      case 'equals':
        this.append(token.text, true);
        break;
      default:
        this.append(token.text, this.isGlued());
    }
    this.before = token;
    if (token.kind === 'slashdash') this.slashdash = true;
    else if (token.kind !== 'comment' && token.kind !== 'block-comment') this.slashdash = false;
  }

  private newline(): void {
    if (this.escaped) {
      this.breakLine();
      this.escaped = false;
      this.continued = true;
    } else if (this.slashdash) {
      // What is commented out stands on the next line: it moves up to the mark, unless a comment is between them.
      if (this.before?.kind !== 'comment') this.space = ' ';
      else if (!this.lineStart) this.breakLine();
    } else if (!this.lineStart || this.nodeOpen || this.continued) {
      this.breakLine();
      this.nodeOpen = this.continued = false;
    } else {
      this.emptyLine = true;
    }
  }

  private endNode(index: number): void {
    if (!this.nodeOpen) return;
    this.nodeOpen = false;
    if (this.blocks.at(-1)?.inline === true) {
      this.semicolon = true;
      return;
    }
    this.continued = false;
    if (this.lineStart || !this.isRestOfLineEmpty(index)) this.breakLine();
  }

  private open(token: Token, index: number): void {
    this.append(token.text, this.before?.kind === 'slashdash' && this.space === undefined);
    const inline = this.isOnOneLine(index);
    this.blocks.push({ inline, continued: this.continued });
    this.nodeOpen = this.continued = false;
    if (!inline && !this.isRestOfLineEmpty(index)) this.breakLine();
  }

  private close(token: Token): void {
    const block = this.blocks.pop();
    if (block?.inline === true) {
      // The last node of the line has its ";" like all others, unless its own block ends there.
      if ((this.semicolon || this.nodeOpen) && this.before?.kind !== 'close') this.endInline();
      this.semicolon = false;
      this.append(token.text, this.before?.kind === 'open');
    } else {
      if (!this.lineStart) this.breakLine();
      this.emptyLine = false;
      this.continued = false;
      this.append(token.text, false);
    }
    this.nodeOpen = true;
    this.continued = block?.continued ?? false;
  }

  /** What comes after code keeps its distance: people align such comments. */
  private comment(token: Token): void {
    const distance = /^ +$/.test(this.space ?? '') ? this.space : ' ';
    if (!this.lineStart) this.out += distance;
    this.append(token.text, true);
  }

  private append(text: string, glued: boolean): void {
    if (this.semicolon) this.endInline();
    this.semicolon = false;
    if (this.lineStart) {
      if (this.emptyLine && this.out !== '' && this.before?.kind !== 'open') this.out += this.lineEnd;
      this.out += step.repeat(this.blocks.length + (this.continued ? 1 : 0));
    } else if (!glued) {
      this.out += ' ';
    }
    this.out += text;
    this.lineStart = false;
    this.emptyLine = false;
  }

  /** One of the readers takes a ";" right after a hexadecimal number, and what follows, for a part of it. */
  private endInline(): void {
    const isHexadecimal = this.before?.kind === 'word' && /^[+-]?0x/.test(this.before.text);
    this.out += isHexadecimal ? ' ;' : ';';
  }

  private breakLine(): void {
    this.out += this.lineEnd;
    this.lineStart = true;
    this.emptyLine = false;
  }

  private isGlued(): boolean {
    if (this.before?.kind === 'equals') return true;
    return this.space === undefined && this.before?.kind !== 'open' && !this.semicolon;
  }

  private isOnOneLine(index: number): boolean {
    let depth = 0;
    for (let at = index; at < this.tokens.length; at += 1) {
      const { kind, text } = this.tokens[at] as Token;
      if (kind === 'open') depth += 1;
      else if (kind === 'close') depth -= 1;
      if (depth === 0) return true;
      if (kind === 'newline' || /[\n\v\f\r\u0085\u2028\u2029]/.test(text)) return false;
    }
    return false;
  }

  /** Is there nothing but comments up to the end of the line? */
  private isRestOfLineEmpty(index: number): boolean {
    for (let at = index + 1; at < this.tokens.length; at += 1) {
      const kind = this.tokens[at]?.kind;
      if (kind === 'newline' || kind === 'comment') return true;
      if (kind !== 'space' && kind !== 'block-comment') return false;
    }
    return true;
  }
}
