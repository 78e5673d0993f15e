import { TypeError as CelTypeError, ParseError, type ParseResult } from '@marcbachmann/cel-js';
import { nearestName } from '../errors/index.js';
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

/** What the library says of an expression, as this language says it, with its place. */
export function inOurWords(error: ParseError | CelTypeError, source: string, names: readonly string[]): TextProblem {
  const range = error.range ?? { start: 0, end: source.length };
  const start = Math.min(range.start, source.length);
  const place = { start, end: Math.min(Math.max(range.end, start), source.length) };
  const written = source.slice(place.start, place.end);
  const name = error.code === 'no_such_key' ? dottedAt(source, place) : written;
  if (error.code === 'unknown_variable' || error.code === 'no_such_key') {
    const nearest = nearestName(name, names);
    const root = name.split('.')[0] ?? name;
    const hint = nearest !== undefined ? `Did you mean ${nearest}?` : (hints[root] ?? namesHint(names));
    return { message: `there is no ${name} here`, hint, ...place };
  }
  const said = error.summary.charAt(0).toLowerCase() + error.summary.slice(1);
  const hint =
    error.code === 'no_such_overload'
      ? / (==|!=|<=?|>=?|in) /.test(said)
        ? "Compare like with like: a number with 3, a text with '3', a bool with nothing at all."
        : 'Texts are joined with texts: string(…) makes one of a number.'
      : 'Expressions are CEL: ${matrix.os}, ${branch == "main" ? "release" : "test"}.';
  return { message: said.replace(/EOF/g, 'the end'), hint, ...place };
}

const hints: Record<string, string> = {
  matrix: 'Only a job with a matrix has values of it: matrix { axis "os" "linux" "illumos"; }.',
  inputs: 'Inputs are those of on "manual" { input "level"; }.',
  needs: 'What earlier jobs gave is known only in steps, as variables: $NEEDS_BUILD_VERSION.',
  secrets: 'Secrets are no values of expressions.',
  env: 'Variables are for steps; say the value itself.',
};

/** `matrix.oss` around the `oss` that was not found. */
function dottedAt(source: string, place: { start: number; end: number }): string {
  const before = /[A-Za-z_][A-Za-z0-9_]*\.$/.exec(source.slice(0, place.start))?.[0] ?? '';
  return `${before}${source.slice(place.start, place.end)}`;
}

function namesHint(names: readonly string[]): string {
  return names.length === 0 ? 'Nothing is known here.' : `There are: ${names.slice(0, 12).join(', ')}.`;
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
