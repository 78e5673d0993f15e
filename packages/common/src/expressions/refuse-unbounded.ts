import type { ASTNode } from '@marcbachmann/cel-js';

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
] as const;

const allowed: ReadonlySet<string> = new Set(functions);
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

/** The first place of a tree that is refused, and what to say of it. */
export function findUnbounded(tree: ASTNode): { node: ASTNode; message: string; hint: string } | undefined {
  const open: ASTNode[] = [tree];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.op === 'call' || node.op === 'rcall') {
      const [name] = node.args;
      if (!allowed.has(name)) {
        const message = loops.has(name)
          ? `"${name}" is a loop, and expressions have none`
          : name === 'matches'
            ? '"matches" is not allowed: a pattern can take for ever'
            : `there is no function ${name} here`;
        return { node, message, hint: `There are: ${functions.join(', ')}.` };
      }
    }
    open.push(...childrenOf(node));
  }
  return undefined;
}

function childrenOf(node: ASTNode): ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'list':
      return node.args;
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}
