import { type ASTNode, TypeError as CelTypeError, ParseError } from '@marcbachmann/cel-js';
import { type ConditionScope, problemsOfNames } from './check-condition.js';
import { declare, makeEnvironment, type NameTree } from './environment.js';
import { inOurWords } from './in-our-words.js';
import { childrenOf, type Reading, readingOf } from './references.js';
import type { TextProblem } from './split-text.js';

/** A piece of a text that cannot be known before others have ended: what stands there as it is, or an expression. */
export type LatePiece = { text: string } | { expression: string };

/** What nodes of a run give is read under these names. */
const lateNames: ReadonlySet<unknown> = new Set(['needs', 'gates']);

/** Does it read what nodes of its run give? That is known when they have ended, and all else when the run is planned. */
export function readsLate(tree: ASTNode): boolean {
  const open: ASTNode[] = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.op === 'id' && lateNames.has(node.args)) return true;
    open.push(...childrenOf(node));
  }
  return false;
}

/** Is it a name of what nodes give? */
export function isLateName([root]: readonly string[]): boolean {
  return lateNames.has(root);
}

/**
 * Checks an expression of a text that reads what nodes give, as conditions are: every name against its place, then the
 * types, of which a text can be made. Places are in its source.
 */
export function checkLate(
  source: string,
  tree: ASTNode,
  scope: ConditionScope,
): { reading: Reading } | { problems: TextProblem[] } {
  const reading = readingOf(tree);
  const types: NameTree = Object.create(null);
  const problems = problemsOfNames(source, reading, scope, types);
  if (problems.length > 0) return { problems };
  const environment = makeEnvironment({ loose: false });
  declare(environment, types);
  try {
    const { error, type } = environment.parse(source).check();
    const problem = error === undefined ? notTextual(type, source) : inOurWords(error, source, []);
    return problem === undefined ? { reading } : { problems: [problem] };
  } catch (thrown) {
    if (!(thrown instanceof ParseError || thrown instanceof CelTypeError)) throw thrown;
    return { problems: [inOurWords(thrown, source, [])] };
  }
}

/** What may stand in a text. */
const textual: ReadonlySet<string> = new Set(['string', 'int', 'uint', 'double', 'bool']);

/** What is wrong with the type that an expression of a text gives. */
export function notTextual(
  type: string | undefined,
  source: string,
  hint = 'Read one value: needs.build.outputs.version.',
): TextProblem | undefined {
  if (type === undefined || textual.has(type)) return undefined;
  const message = `this gives ${type.startsWith('$') ? `all of ${type.slice(1)}` : type}, and a text is meant`;
  return { message, hint, start: 0, end: source.length };
}
