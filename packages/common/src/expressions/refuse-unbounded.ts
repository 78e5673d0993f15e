import type { ASTNode } from '@marcbachmann/cel-js';
import { childrenOf } from './references.js';

/**
 * All functions that an expression may call. What is not here is refused, so that evaluation is bounded whatever a later
 * version of the library brings: `matches` can take a minute on a bad pattern, comprehensions are loops in loops,
 * `replace` and `join` make long texts of short ones.
 */
export const functions = [
  'contains',
  'startsWith',
  'endsWith',
  'size',
  'substring',
  'indexOf',
  'lowerAscii',
  'upperAscii',
  'trim',
  'string',
  'int',
  'double',
  'glob',
] as const;

/** What only conditions may call: the answer is known when a run is planned, and not to every text of its file. */
export const conditionFunctions = [...functions, 'changed'] as const;

const loops: ReadonlySet<string> = new Set([
  'all',
  'exists',
  'exists_one',
  'map',
  'filter',
  'bind',
  'reduce',
  'sortBy',
]);

/** The first place of a tree that is refused, and what to say of it. `known`: what it may call. */
export function findUnbounded(
  tree: ASTNode,
  known: readonly string[] = functions,
): { node: ASTNode; message: string; hint: string } | undefined {
  const open: ASTNode[] = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.op === 'call' || node.op === 'rcall') {
      const [name] = node.args;
      if (!known.includes(name)) {
        const message = loops.has(name)
          ? `"${name}" is a loop, and expressions have none`
          : name === 'matches'
            ? '"matches" is not allowed: a pattern can take for ever'
            : `there is no function ${name} here`;
        return { node, message, hint: `There are: ${known.join(', ')}.` };
      }
    }
    open.push(...childrenOf(node));
  }
  return undefined;
}
