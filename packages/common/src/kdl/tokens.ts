/** A piece of a KDL text. All pieces together are the text. */
export interface Token {
  kind: TokenKind;
  text: string;
  offset: number;
}

/**
 * `comment`: from `//` to before the end of its line. `continuation`: the backslash that joins two lines. `text`: a string
 * of several lines. `word`: everything else that stands for something: names, values, parentheses.
 */
export type TokenKind =
  | 'space'
  | 'newline'
  | 'comment'
  | 'block-comment'
  | 'slashdash'
  | 'open'
  | 'close'
  | 'semicolon'
  | 'continuation'
  | 'equals'
  | 'text'
  | 'word';

const newline = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/y;
const space = /[\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff]+/y;
const comment = /\/\/[^\n\v\f\r\u0085\u2028\u2029]*/y;
const bare =
  /(?:(?!\/[/*-])[^\n\v\f\r\u0085\u2028\u2029\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ufeff{};="\\])+/y;
const single: Readonly<Record<string, TokenKind>> = {
  '{': 'open',
  '}': 'close',
  ';': 'semicolon',
  '\\': 'continuation',
  '=': 'equals',
};

/** Takes a text apart that a reader of that version of KDL has found right; of any other it makes something. */
export function tokensOf(text: string, version: 1 | 2 = 2): Token[] {
  const tokens: Token[] = [];
  for (let offset = 0; offset < text.length; ) {
    const token = tokenAt(text, offset, version);
    tokens.push(token);
    offset += token.text.length;
  }
  return tokens;
}

function tokenAt(text: string, offset: number, version: 1 | 2): Token {
  const token = (kind: TokenKind, end: number): Token => ({ kind, text: text.slice(offset, end), offset });
  const matched = (pattern: RegExp): number | undefined => {
    pattern.lastIndex = offset;
    return pattern.test(text) ? pattern.lastIndex : undefined;
  };
  const string = stringEnd(text, offset, version);
  if (string !== undefined) return token(string.several ? 'text' : 'word', string.end);
  if (text.startsWith('/*', offset)) return token('block-comment', blockCommentEnd(text, offset));
  if (text.startsWith('/-', offset)) return token('slashdash', offset + 2);
  for (const [kind, pattern] of [
    ['newline', newline],
    ['space', space],
    ['comment', comment],
  ] as const) {
    const end = matched(pattern);
    if (end !== undefined) return token(kind, end);
  }
  const kind = single[text.charAt(offset)];
  if (kind !== undefined) return token(kind, offset + 1);
  return token('word', matched(bare) ?? offset + 1);
}

function blockCommentEnd(text: string, start: number): number {
  let depth = 0;
  for (let offset = start; offset < text.length; ) {
    if (text.startsWith('/*', offset)) {
      depth += 1;
      offset += 2;
    } else if (text.startsWith('*/', offset)) {
      depth -= 1;
      offset += 2;
      if (depth === 0) return offset;
    } else {
      offset += 1;
    }
  }
  return text.length;
}

const quotes = { 1: /(r#*)?"/y, 2: /(#+)?"(?:"")?/y } as const;

/** Where the string ends that begins here; undefined: none does. */
function stringEnd(text: string, start: number, version: 1 | 2): { end: number; several: boolean } | undefined {
  const opening = quotes[version];
  opening.lastIndex = start;
  const [written = '', raw] = opening.exec(text) ?? [];
  if (written === '') return undefined;
  // In 2.0, `""` is an empty string, not the beginning of a text; and 1.0 knows no texts.
  const several = version === 2 && written.endsWith('"""');
  const hashes = raw?.replace('r', '') ?? '';
  const content = start + (several ? written.length : (raw ?? '').length + 1);
  const closing = `${several ? '"""' : '"'}${hashes}`;
  for (let offset = content; offset < text.length; offset += 1) {
    if (text.startsWith(closing, offset)) return { end: offset + closing.length, several };
    if (raw === undefined && text[offset] === '\\') offset += 1;
  }
  return { end: text.length, several };
}
