import { Environment } from '@marcbachmann/cel-js';
import { globMatches } from './glob-matches.js';
import type { NameType } from './names.js';

/** Names as they nest: `needs` holds `unit-tests` holds `result`. Without a prototype: a field may be called anything. */
export interface NameTree {
  [name: string]: NameType | NameTree;
}

/** What evaluation is held to, beside the functions that there are: no expression of a file takes long. */
export const expressionLimits = {
  maxAstNodes: 200,
  maxDepth: 20,
  maxListElements: 50,
  maxMapEntries: 50,
  maxCallArguments: 4,
} as const;

/** Without names, and with the functions of ours that need nothing but what they are given. `loose`: names are not declared, and are looked for when it is evaluated. */
export function makeEnvironment({ loose }: { loose: boolean }): Environment {
  const environment = new Environment({ unlistedVariablesAreDyn: loose, limits: expressionLimits });
  return environment.registerFunction('glob(string, string): bool', (text: string, pattern: string) => {
    // The time it takes is that of both multiplied, and outputs of jobs can be long.
    if (text.length > LONGEST_MATCHED) throw new Error(`glob takes texts of ${LONGEST_MATCHED} characters at most`);
    if (pattern.length > LONGEST_PATTERN) throw new Error(`a pattern has ${LONGEST_PATTERN} characters at most`);
    return globMatches(pattern, text);
  });
}

const LONGEST_MATCHED = 4_096;
const LONGEST_PATTERN = 250;

/** Puts a name, by its parts, where it belongs. */
export function plant(tree: NameTree, path: readonly string[], type: NameType): void {
  let at = tree;
  for (const part of path.slice(0, -1)) {
    const inside = at[part] ?? Object.create(null);
    if (typeof inside === 'string') return;
    at[part] = inside;
    at = inside;
  }
  const last = path.at(-1);
  if (last !== undefined) at[last] = type;
}

/** Declares the names of a tree. */
export function declare(environment: Environment, tree: NameTree): void {
  for (const [name, type] of Object.entries(tree)) {
    if (typeof type === 'string') environment.registerVariable(name, type);
    else environment.registerVariable({ name, schema: type });
  }
}
