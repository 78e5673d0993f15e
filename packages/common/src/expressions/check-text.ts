import { TypeError as CelTypeError, ParseError, type ParseResult } from '@marcbachmann/cel-js';
import type { ConditionScope } from './check-condition.js';
import { inOurWords, namesHint } from './in-our-words.js';
import { checkLate, type LatePiece, notTextual, readsLate } from './late-pieces.js';
import type { NameValue } from './names.js';
import type { Reading } from './references.js';
import { findUnbounded } from './refuse-unbounded.js';
import type { Scope } from './scope.js';
import { splitText, type TextProblem } from './split-text.js';

/** A text with its expressions understood, to be evaluated as often as one likes. */
export interface CheckedText {
  /**
   * What its expressions give with these values; a name without a value is that of nothing: "", 0, false. `pieces`: some
   * of them read what nodes of the run give, and stand there as they are; all else of it is evaluated.
   */
  evaluate(
    values: Readonly<Record<string, NameValue>>,
  ): { text: string } | { pieces: LatePiece[] } | { problem: string };
  /** What those read. Places are in the text. */
  late: Reading[];
}

/** The longest text that expressions may make. */
export const MAX_TEXT_LENGTH = 32_768;

/**
 * Checks every expression of a text against the names of a scope, types included. Never throws. `late`: the names of those
 * which read what nodes of the run give; `unchecked`: these have been checked before; absent: there is nothing of the kind.
 */
export function checkText(
  text: string,
  scope: Scope,
  late?: ConditionScope | 'unchecked',
): { checked: CheckedText } | { problems: TextProblem[] } {
  const split = splitText(text);
  if ('problem' in split) return { problems: [split.problem] };
  const problems: TextProblem[] = [];
  const parts: Part[] = [];
  const readings: Reading[] = [];
  for (const piece of split.pieces) {
    if (piece.kind === 'literal') {
      parts.push(piece.text);
      continue;
    }
    const found = checkExpression(piece.source, scope, late);
    if ('problems' in found) {
      problems.push(...found.problems.map((problem) => shifted(problem, piece.start)));
    } else {
      parts.push(found.part);
      if (found.reading !== undefined) readings.push(shiftedReading(found.reading, piece.start));
    }
  }
  if (problems.length > 0) return { problems };
  return { checked: { evaluate: (values) => evaluate(parts, scope, values), late: readings } };
}

/** What stands there as it is, what is evaluated, and what is only later. */
type Part = string | ParseResult | { expression: string };

function checkExpression(
  source: string,
  scope: Scope,
  late: ConditionScope | 'unchecked' | undefined,
): { part: Part; reading?: Reading } | { problems: TextProblem[] } {
  const whole = { start: 0, end: source.length };
  if (source.trim() === '') {
    return { problems: [{ message: '"${}" says nothing', hint: namesHint(scope.names), ...whole }] };
  }
  try {
    const program = scope.environment.parse(source);
    const unbounded = findUnbounded(program.ast);
    if (unbounded !== undefined) {
      const { node, message, hint } = unbounded;
      return { problems: [{ message, hint, start: node.start, end: node.end }] };
    }
    if (late !== undefined && readsLate(program.ast)) {
      if (late === 'unchecked') return { part: { expression: source } };
      const found = checkLate(source, program.ast, late);
      return 'problems' in found ? found : { part: { expression: source }, reading: found.reading };
    }
    const { error, type } = program.check();
    const problem =
      error === undefined ? notTextual(type, source, namesHint(scope.names)) : inOurWords(error, source, scope.names);
    return problem === undefined ? { part: program } : { problems: [problem] };
  } catch (thrown) {
    if (thrown instanceof ParseError || thrown instanceof CelTypeError) {
      return { problems: [inOurWords(thrown, source, scope.names)] };
    }
    const message = `this cannot be understood: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    return { problems: [{ message, hint: 'Make it simpler.', ...whole }] };
  }
}

function shifted<Placed extends { start: number; end: number }>(placed: Placed, by: number): Placed {
  return { ...placed, start: placed.start + by, end: placed.end + by };
}

function shiftedReading({ references, calls, comparisons, computed }: Reading, by: number): Reading {
  return {
    references: references.map((one) => shifted(one, by)),
    calls: calls.map(({ texts, ...one }) => ({ ...shifted(one, by), texts: texts.map((text) => shifted(text, by)) })),
    comparisons: comparisons.map((one) => shifted(one, by)),
    computed: computed.map((one) => shifted(one, by)),
  };
}

function evaluate(
  parts: readonly Part[],
  scope: Scope,
  values: Readonly<Record<string, NameValue>>,
): { text: string } | { pieces: LatePiece[] } | { problem: string } {
  const context = scope.contextOf(values);
  const pieces: LatePiece[] = [];
  let text = '';
  let length = 0;
  for (const part of parts) {
    if (typeof part === 'object') {
      if (text !== '') pieces.push({ text });
      text = '';
      pieces.push(part);
      continue;
    }
    try {
      const said = typeof part === 'string' ? part : String(part(context));
      text += said;
      length += said.length;
    } catch (thrown) {
      // A text that is too short for substring, a division by nothing.
      return { problem: thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown) };
    }
    if (length > MAX_TEXT_LENGTH) return { problem: tooLong };
  }
  if (pieces.length === 0) return { text };
  return { pieces: text === '' ? pieces : [...pieces, { text }] };
}

/** Of a text that is longer than the longest. */
export const tooLong = `the text is longer than ${MAX_TEXT_LENGTH} characters`;
