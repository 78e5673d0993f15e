import { TypeError as CelTypeError, ParseError, type ParseResult } from '@marcbachmann/cel-js';
import { inOurWords, namesHint } from './in-our-words.js';
import type { NameValue } from './names.js';
import { findUnbounded } from './refuse-unbounded.js';
import type { Scope } from './scope.js';
import { splitText, type TextProblem } from './split-text.js';

/** A text with its expressions understood, to be evaluated as often as one likes. */
export interface CheckedText {
  /** What its expressions give with these values; a name without a value is that of nothing: "", 0, false. */
  evaluate(values: Readonly<Record<string, NameValue>>): { text: string } | { problem: string };
}

/** The longest text that expressions may make. */
export const MAX_TEXT_LENGTH = 32_768;

/** Checks every expression of a text against the names of a scope, types included. Never throws. */
export function checkText(text: string, scope: Scope): { checked: CheckedText } | { problems: TextProblem[] } {
  const split = splitText(text);
  if ('problem' in split) return { problems: [split.problem] };
  const problems: TextProblem[] = [];
  const parts: (string | ParseResult)[] = [];
  for (const piece of split.pieces) {
    if (piece.kind === 'literal') {
      parts.push(piece.text);
      continue;
    }
    const found = checkExpression(piece.source, scope);
    if ('problem' in found) {
      const { start, end, ...said } = found.problem;
      problems.push({ ...said, start: piece.start + start, end: piece.start + end });
    } else {
      parts.push(found.program);
    }
  }
  if (problems.length > 0) return { problems };
  return { checked: { evaluate: (values) => evaluate(parts, scope, values) } };
}

/** What may stand in a text. */
const textual: ReadonlySet<string> = new Set(['string', 'int', 'uint', 'double', 'bool']);

function checkExpression(source: string, scope: Scope): { program: ParseResult } | { problem: TextProblem } {
  if (source.trim() === '') {
    return { problem: { message: '"${}" says nothing', hint: namesHint(scope.names), start: 0, end: source.length } };
  }
  try {
    const program = scope.environment.parse(source);
    const unbounded = findUnbounded(program.ast);
    if (unbounded !== undefined) {
      const { node, message, hint } = unbounded;
      return { problem: { message, hint, start: node.start, end: node.end } };
    }
    const { error, type } = program.check();
    if (error !== undefined) return { problem: inOurWords(error, source, scope.names) };
    if (type !== undefined && !textual.has(type)) {
      const message = `this gives ${type.startsWith('$') ? `all of ${type.slice(1)}` : type}, and a text is meant`;
      return { problem: { message, hint: namesHint(scope.names), start: 0, end: source.length } };
    }
    return { program };
  } catch (thrown) {
    if (thrown instanceof ParseError || thrown instanceof CelTypeError) {
      return { problem: inOurWords(thrown, source, scope.names) };
    }
    const message = `this cannot be understood: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    return { problem: { message, hint: 'Make it simpler.', start: 0, end: source.length } };
  }
}

function evaluate(
  parts: readonly (string | ParseResult)[],
  scope: Scope,
  values: Readonly<Record<string, NameValue>>,
): { text: string } | { problem: string } {
  const context = scope.contextOf(values);
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
    } else {
      try {
        text += String(part(context));
      } catch (thrown) {
        // A text that is too short for substring, a division by nothing.
        return { problem: thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown) };
      }
    }
    if (text.length > MAX_TEXT_LENGTH) return { problem: `the text is longer than ${MAX_TEXT_LENGTH} characters` };
  }
  return { text };
}
