import type { Span, SpanMaker } from './diagnostic.js';
import type { DiagnosticSink } from './diagnostic-sink.js';
import type { LocatedNode, LocatedValue } from './located-tree.js';
import type { Said, SaidWords } from './said-words.js';

/** A text with its place. */
export interface Text {
  text: string;
  value: LocatedValue;
}

/** The one value of a word, whatever it is; `example` is one. Undefined when it was reported. */
export function oneValueOf(said: Said | undefined, example: string, sink: DiagnosticSink): LocatedValue | undefined {
  if (said === undefined) return undefined;
  const { node, word } = said;
  const [first, second] = node.arguments;
  if (first === undefined) {
    sink.error(node.headSpan, 'missing-value', `"${word.name}" has no value`, `Write ${word.name}=${example}.`);
    return undefined;
  }
  if (second !== undefined) {
    sink.error(
      second.span,
      'wrong-form',
      `"${word.name}" has one value, this is another`,
      typeof second.value === 'string' ? 'Put the whole text in one pair of quotes.' : 'Keep one of them.',
    );
    return undefined;
  }
  refuseBlock(node, `"${word.name}" has one value and no block`, sink);
  return first;
}

/** The one value of a word, as a text. Undefined when it was reported. */
export function textOf(said: Said | undefined, sink: DiagnosticSink): Text | undefined {
  const value = oneValueOf(said, '"…"', sink);
  return value === undefined || said === undefined ? undefined : asText(value, said.word.name, sink);
}

/** What a list is of, one of them, and what to do if it names none. */
interface Listed {
  what: string;
  ifEmpty: string;
}

/** Several values, or one with spaces between; at least one, or it was reported. */
export function listOf(said: Said | undefined, { what, ifEmpty }: Listed, sink: DiagnosticSink): Text[] {
  if (said === undefined) return [];
  const { node, word } = said;
  const texts: Text[] = [];
  for (const argument of node.arguments) {
    const whole = asText(argument, word.name, sink);
    for (const piece of whole?.text.matchAll(/\S+/g) ?? []) {
      texts.push({ text: piece[0], value: narrowed(argument, piece[0], piece.index) });
    }
  }
  const [first] = node.arguments;
  if (first === undefined) {
    sink.error(node.headSpan, 'missing-value', `"${word.name}" has no value`, `Write ${word.name} "…" "…".`);
  } else if (texts.length === 0 && node.arguments.every(({ value }) => typeof value === 'string')) {
    // Left out, it would often mean all of them: that may be the opposite of what an empty list was written for.
    sink.error(first.span, 'missing-value', `"${word.name}" names no ${what}`, ifEmpty);
  }
  return texts;
}

export function asText(value: LocatedValue, word: string, sink: DiagnosticSink): Text | undefined {
  if (typeof value.value === 'string') return { text: value.value, value };
  const hint =
    value.value === null
      ? `Leave "${word}" out, or give it a text.`
      : `Put it in quotes: "${value.source.replace(/^#/, '')}".`;
  sink.error(value.span, 'wrong-type', `"${word}" wants a text, not ${kindOf(value)}`, hint);
  return undefined;
}

function kindOf(value: LocatedValue): string {
  if (value.value === null) return 'null';
  return typeof value.value === 'boolean' ? 'a boolean' : 'a number';
}

/** Where a piece of a text stands in the file, if it is written there as it reads; else the whole text. */
export function spanOfPiece(value: LocatedValue, piece: string, lines: SpanMaker, from = 0): Span {
  const index = value.source.indexOf(piece, from);
  if (index < 0) return value.span;
  return lines(value.offset + index, value.offset + index + piece.length);
}

/** The part of a value that begins at `index` of its text, where the file has it as it reads. */
function narrowed(value: LocatedValue, piece: string, index: number): LocatedValue {
  const quotes = value.source.startsWith('"') ? 1 : 0;
  if (value.source.length !== String(value.value).length + 2 * quotes) return value;
  const column = value.span.column + quotes + index;
  return {
    ...value,
    source: piece,
    offset: value.offset + quotes + index,
    span: { line: value.span.line, column, endLine: value.span.line, endColumn: column + piece.length },
  };
}

export function refuseBlock(node: LocatedNode, message: string, sink: DiagnosticSink): void {
  const [property] = node.properties;
  if (property !== undefined) sink.error(property.nameSpan, 'wrong-form', message, 'Take it out.');
  const [child] = node.children ?? [];
  if (child !== undefined) sink.error(child.nameSpan, 'wrong-form', message, 'Take the block out.');
}

/** Said, and not taken back with `#false`. */
export function flagOf(said: Said | undefined, sink: DiagnosticSink): boolean {
  if (said === undefined) return false;
  const { node, word } = said;
  const [first, second] = node.arguments;
  refuseBlock(node, `"${word.name}" has no block`, sink);
  const odd = second ?? (first === undefined || typeof first.value === 'boolean' ? undefined : first);
  if (odd !== undefined) {
    sink.error(
      odd.span,
      'wrong-form',
      `"${word.name}" is said without a value`,
      `Write ${word.name}, and nothing else.`,
    );
    return false;
  }
  return first?.value !== false;
}

/** Node takes at most one argument, and it is what `word` says too: `job "build"` is `job id="build"`. */
export function identityOf(node: LocatedNode, said: SaidWords, word: string, sink: DiagnosticSink): Text | undefined {
  const [first, second] = node.arguments;
  if (second !== undefined) {
    sink.error(
      second.span,
      'wrong-form',
      `"${node.name}" has one argument, its ${word}; this is another`,
      'Put a name with spaces in quotes; everything else is a property or a child.',
    );
  }
  const written = said.get(word);
  if (first === undefined) return textOf(written, sink);
  if (written !== undefined) {
    sink.error(
      written.node.nameSpan,
      'duplicate-word',
      `the ${word} is said twice: the first argument is the ${word} too`,
      `Keep one of them.`,
    );
  }
  return asText(first, word, sink);
}
