import type { TypeError as CelTypeError, ParseError } from '@marcbachmann/cel-js';
import { nearestName } from '../errors/index.js';
import type { TextProblem } from './split-text.js';

const textExample = 'Expressions are CEL: ${matrix.os}, ${branch == "main" ? "release" : "test"}.';

/**
 * What the library says of an expression, as this language says it, with its place. `example`: how one is written there,
 * said where nothing better is known.
 */
export function inOurWords(
  error: ParseError | CelTypeError,
  source: string,
  names: readonly string[],
  example = textExample,
): TextProblem {
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
      : (hintFor(said) ?? example);
  return { message: said.replace(/EOF/g, 'the end'), hint, ...place };
}

/** Of what people often write who know other languages, or not what a function is given. */
function hintFor(said: string): string | undefined {
  if (/'glob\(/.test(said)) return "It is asked of a text, with a pattern: glob(branch, 'release/*').";
  if (said === 'unexpected character: =') return "What is the same is asked with ==, as in branch == 'main'.";
  return undefined;
}

const hints: Record<string, string> = {
  matrix: 'Only a job with a matrix has values of it: matrix { axis "os" "linux" "illumos"; }.',
  inputs: 'Inputs are those of on "manual" { input "level"; }.',
  needs: 'What earlier nodes gave is read in the env, the image and the prompt of a node that needs them.',
  gates: 'What gates were told is read in the env, the image and the prompt of a node that comes after them.',
  error: 'Steps of catch and finally read it as variables, $CI_ERROR_KIND, and in their conditions.',
  secrets: 'Secrets are no values of expressions.',
  env: 'Variables are for steps; say the value itself.',
};

/** `matrix.oss` around the `oss` that was not found. */
function dottedAt(source: string, place: { start: number; end: number }): string {
  const before = /[A-Za-z_][A-Za-z0-9_]*\.$/.exec(source.slice(0, place.start))?.[0] ?? '';
  return `${before}${source.slice(place.start, place.end)}`;
}

/** What is said where no name is near. */
export function namesHint(names: readonly string[]): string {
  return names.length === 0 ? 'Nothing is known here.' : `There are: ${names.slice(0, 12).join(', ')}.`;
}
