import type { ASTNode } from '@marcbachmann/cel-js';

/** A name that an expression reads, whole: `needs['unit-tests'].result` is `needs`, `unit-tests`, `result`. */
export interface Reference {
  path: readonly string[];
  /** In the text of the expression. */
  start: number;
  end: number;
}

/** A call with texts that stand in it as they are. */
export interface Call {
  name: string;
  /** Undefined for what is no literal text. */
  texts: { text: string | undefined; start: number; end: number }[];
  start: number;
  end: number;
}

/** A name beside a text that it is compared with: `needs.test.result == 'failed'`, `… in ['failed', 'skipped']`. */
export interface Comparison {
  path: readonly string[];
  text: string;
  start: number;
  end: number;
}

export interface Reading {
  references: Reference[];
  calls: Call[];
  comparisons: Comparison[];
  /** Places where which name is read depends on a value: `needs[branch]`. */
  computed: { start: number; end: number }[];
}

/** What an expression reads, calls and compares; all of it stands in its text. */
export function readingOf(tree: ASTNode): Reading {
  const reading: Reading = { references: [], calls: [], comparisons: [], computed: [] };
  const visit = (node: ASTNode): void => {
    const path = pathOf(node);
    if (path === 'computed') {
      reading.computed.push({ start: node.start, end: node.end });
      return;
    }
    if (path !== undefined) {
      reading.references.push({ path, start: node.start, end: node.end });
      return;
    }
    if (node.op === 'call') {
      const [name, values] = node.args;
      const texts = values.map((value) => ({ text: literalOf(value), start: value.start, end: value.end }));
      reading.calls.push({ name, texts, start: node.start, end: node.end });
    }
    noteComparison(node, reading);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(tree);
  return reading;
}

function noteComparison(node: ASTNode, reading: Reading): void {
  if (node.op !== '==' && node.op !== '!=' && node.op !== 'in') return;
  const [left, right] = node.args;
  for (const [name, value] of node.op === 'in'
    ? [[left, right] as const]
    : ([
        [left, right],
        [right, left],
      ] as const)) {
    const path = pathOf(name);
    if (path === undefined || path === 'computed') continue;
    for (const one of value.op === 'list' && node.op === 'in' ? value.args : [value]) {
      const text = literalOf(one);
      if (text !== undefined) reading.comparisons.push({ path, text, start: one.start, end: one.end });
    }
  }
}

/** The parts of a name; undefined: the node is none. */
function pathOf(node: ASTNode): string[] | 'computed' | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [inner, last] = node.args;
  const path = pathOf(inner);
  if (path === undefined || path === 'computed') return path;
  const part = typeof last === 'string' ? last : literalOf(last);
  return part === undefined ? 'computed' : [...path, part];
}

function literalOf(node: ASTNode): string | undefined {
  return node.op === 'value' && typeof node.args === 'string' ? node.args : undefined;
}

/** What stands inside of a node, in the order of the text. */
export function childrenOf(node: ASTNode): ASTNode[] {
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
