import type { Environment } from '@marcbachmann/cel-js';
import { declare, makeEnvironment, type NameTree, plant } from './environment.js';
import type { Names, NameType, NameValue } from './names.js';

/** Names with the environment that checks them. Made once for a set of names: it is dear beside a check. */
export class Scope {
  readonly environment: Environment;
  readonly names: readonly string[];

  constructor(private readonly types: Names) {
    this.names = Object.keys(types);
    this.environment = makeEnvironment({ loose: false });
    const tree: NameTree = Object.create(null);
    for (const [name, type] of Object.entries(types)) plant(tree, name.split('.', 2), type);
    declare(this.environment, tree);
  }

  /** What an evaluation is given: every declared name, those without a value with that of nothing. */
  contextOf(values: Readonly<Record<string, NameValue>>): Record<string, unknown> {
    const context: Record<string, unknown> = {};
    const groups = new Map<string, Map<string, unknown>>();
    for (const [name, type] of Object.entries(this.types)) {
      const value = asCel(Object.hasOwn(values, name) ? values[name] : undefined, type);
      const [root = '', field] = name.split('.', 2);
      if (field === undefined) {
        context[root] = value;
      } else {
        const group = groups.get(root) ?? new Map<string, unknown>();
        group.set(field, value);
        groups.set(root, group);
      }
    }
    // Not by assignment: a field may be called __proto__.
    for (const [root, group] of groups) context[root] = Object.fromEntries(group);
    return context;
  }
}

function asCel(value: NameValue | undefined, type: NameType): unknown {
  switch (type) {
    case 'string':
      return value === undefined ? '' : String(value);
    case 'int':
      return BigInt(Math.trunc(Number(value ?? 0)) || 0);
    case 'double':
      return Number(value ?? 0);
    case 'bool':
      return value === true;
  }
}
