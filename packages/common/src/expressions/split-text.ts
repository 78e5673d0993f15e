/** A piece of a text with `${…}` in it: what stands there as it is, or an expression and where it stands in the text. */
export type Piece = { kind: 'literal'; text: string } | { kind: 'expression'; source: string; start: number };

/** Where a text stops making sense as one with expressions; `start` and `end` count in the text. */
export interface TextProblem {
  message: string;
  hint: string;
  start: number;
  end: number;
}

/** The longest expression. */
export const MAX_EXPRESSION_LENGTH = 1_000;

/** Has it a `${`, written as itself or as an expression? All other texts are what they are. */
export function isOpen(text: string): boolean {
  return text.includes('${');
}

/** `v${matrix.rust}` as literals and expressions. `$${` is a literal `${`. */
export function splitText(text: string): { pieces: Piece[] } | { problem: TextProblem } {
  const pieces: Piece[] = [];
  let literal = '';
  let at = 0;
  for (let dollar = text.indexOf('${'); dollar >= 0; dollar = text.indexOf('${', at)) {
    if (dollar > at && text[dollar - 1] === '$') {
      literal += `${text.slice(at, dollar - 1)}\${`;
      at = dollar + 2;
      continue;
    }
    literal += text.slice(at, dollar);
    const end = endOf(text, dollar + 2);
    if (end === undefined) {
      return {
        problem: {
          message: 'this "${" has no "}"',
          hint: 'Close it, or write "$${" for the characters themselves.',
          start: dollar,
          end: Math.min(text.length, dollar + 2 + MAX_EXPRESSION_LENGTH),
        },
      };
    }
    if (literal !== '') pieces.push({ kind: 'literal', text: literal });
    literal = '';
    pieces.push({ kind: 'expression', source: text.slice(dollar + 2, end), start: dollar + 2 });
    at = end + 1;
  }
  literal += text.slice(at);
  if (literal !== '') pieces.push({ kind: 'literal', text: literal });
  return { pieces };
}

/** The `}` that ends an expression: not one in a text or of a map. Undefined: none within the longest expression. */
function endOf(text: string, from: number): number | undefined {
  let depth = 0;
  let quote = '';
  const last = Math.min(text.length, from + MAX_EXPRESSION_LENGTH + 1);
  for (let at = from; at < last; at += 1) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === '\\') at += 1;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (character === '{') {
      depth += 1;
    } else if (character === '}') {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return undefined;
}
