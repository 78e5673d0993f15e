import { nearestName } from '../errors/index.js';
import {
  candidates,
  flagOf,
  type LocatedNode,
  type LocatedValue,
  numberOf,
  quote,
  type Said,
  type SaidWords,
  spelled,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { readChoice } from './read-choice.js';
import { readWords } from './read-words.js';
import type { Matrix } from './workflow.js';

type Cell = Matrix['cells'][number];
type Axes = Map<string, Map<string, LocatedValue>>;
/** The values that `exclude` or `include` names. */
type Named = Map<string, LocatedValue>;

/** The cells are those of all axes, without what is excluded, and then what is included. */
export function readMatrix(said: Said | undefined, sink: WorkflowSink): Matrix | undefined {
  if (said === undefined) return undefined;
  const { node } = said;
  const inner = readWords(node, 'matrix', sink);
  const [argument] = node.arguments;
  if (argument !== undefined) {
    const hint = 'Write matrix { axis "os" "linux" "illumos"; }.';
    sink.error(argument.span, 'wrong-form', '"matrix" has axes, and no value', hint);
    return undefined;
  }
  const maxParallel = numberOf(inner.get('max_parallel'), { whole: true, most: workflowLimits.cells }, sink);
  const onFailure = readChoice(inner.get('on_failure'), ['continue', 'cancel'], sink) ?? 'continue';
  const axes = readAxes(inner, sink);
  const cells = axes === undefined ? undefined : readCells(node, inner, axes, sink);
  if (axes === undefined || cells === undefined) return undefined;
  return {
    axes: [...axes.keys()],
    cells,
    ...(maxParallel === undefined ? {} : { maxParallel }),
    onFailure,
  };
}

/** Undefined when something about them was reported: what is made of them would only be wrong once more. */
function readAxes(inner: SaidWords, sink: WorkflowSink): Axes | undefined {
  const axes: Axes = new Map();
  const variables = new Set<string>();
  let sound = true;
  const refuse = (value: LocatedValue | LocatedNode, message: string, hint: string): void => {
    sound = false;
    sink.error('span' in value ? value.span : value.headSpan, 'bad-axis', message, hint);
  };
  for (const { node } of inner.all('axis')) {
    const [first, ...values] = node.arguments;
    const hint = 'Write axis "os" "linux" "illumos".';
    if (first === undefined || node.properties.length > 0 || (node.children ?? []).length > 0) {
      refuse(node, 'an axis is a name and its values, one after the other', hint);
      continue;
    }
    const name = typeof first.value === 'string' ? first.value : '';
    if (!/^[A-Za-z][A-Za-z0-9_]{0,30}$/.test(name) || name === 'allow_failure') {
      refuse(
        first,
        `${quote(name === '' ? first.source : name)} is no good as the name of an axis`,
        'Use letters, digits and "_".',
      );
      continue;
    }
    if (variables.has(name.toUpperCase())) {
      refuse(first, `there is an axis ${quote(name)} already`, 'Its values stand in one line.');
      continue;
    }
    variables.add(name.toUpperCase());
    if (values.length === 0) refuse(first, `axis ${quote(name)} has no values`, hint);
    const known = new Map<string, LocatedValue>();
    for (const value of values) {
      const text = cellText(value, sink);
      if (text === undefined) sound = false;
      else if (known.has(text)) refuse(value, `axis ${quote(name)} has ${quote(text)} twice`, 'Keep one of them.');
      else known.set(text, value);
    }
    axes.set(name, known);
  }
  if (axes.size > workflowLimits.axes) {
    const [one] = inner.all('axis').slice(workflowLimits.axes);
    if (one !== undefined) refuse(one.node, `a matrix may have ${workflowLimits.axes} axes`, 'Put some together.');
  }
  return sound && !inner.hasUnknown ? axes : undefined;
}

/** A value of an axis: a text, or a number of which nothing is lost without quotes. */
function cellText(value: LocatedValue, sink: WorkflowSink): string | undefined {
  if (typeof value.value === 'number' && String(value.value) === value.source) return value.source;
  if (typeof value.value !== 'string') {
    const hint = `Put it in quotes: "${value.source.replace(/^#/, '')}".`;
    sink.error(value.span, 'wrong-type', 'the values of an axis are texts', hint);
    return undefined;
  }
  if (value.value.length <= 100 && !/[\p{Cc}\u2028\u2029]|\$\{/u.test(value.value)) return value.value;
  const hint = 'It is written as it is: one line of at most 100 characters, without ${…}.';
  sink.error(value.span, 'bad-axis', `${quote(value.value)} is no good as a value of an axis`, hint);
  return undefined;
}

function readCells(node: LocatedNode, inner: SaidWords, axes: Axes, sink: WorkflowSink): Cell[] | undefined {
  const includes = inner.all('include');
  if (axes.size === 0) {
    // Cells one by one: the first says what the axes are.
    const [first] = includes;
    if (first === undefined) {
      sink.error(node.headSpan, 'empty-matrix', 'this matrix has no axis', 'Give it one: axis "os" "linux" "illumos".');
      return undefined;
    }
    for (const { node: pair } of candidates(first.node)) {
      if (spelled(pair.name) !== 'allow_failure') axes.set(pair.name, new Map());
    }
    if ([...axes.keys()].some((name) => !/^[A-Za-z][A-Za-z0-9_]{0,30}$/.test(name)) || axes.size === 0) {
      const hint = 'Write include os="linux" rust="stable".';
      sink.error(first.node.headSpan, 'bad-axis', 'a cell has a value for each axis', hint);
      return undefined;
    }
  }
  const count = [...axes.values()].reduce((product, values) => product * values.size, 1);
  if (count > workflowLimits.cells) {
    const message = `the axes of this matrix give ${count > 1e9 ? 'endlessly many' : count} cells; ${workflowLimits.cells} are the most`;
    sink.error(node.headSpan, 'too-many-cells', message, 'Name the cells that are worth it with "include".');
    return undefined;
  }
  const excluded = new Excluded();
  for (const one of inner.all('exclude')) {
    const named = readNamed(one, axes, sink);
    if (named === undefined) return undefined;
    excluded.add(named);
  }
  const all = combinations(axes).filter((cell) => !excluded.has(cell));
  const cells = new Map<string, Cell>(all.map((values) => [keyOf(values), { values }]));
  for (const one of includes) if (!include(one, axes, cells, sink)) return undefined;
  if (cells.size === 0) {
    sink.error(node.headSpan, 'empty-matrix', 'all cells of this matrix are excluded', 'Take an "exclude" out.');
    return undefined;
  }
  return [...cells.values()];
}

/** What is excluded, by the axes that are named: a cell asks once for each such set of axes, not for each `exclude`. */
class Excluded {
  private readonly bySet = new Map<string, { axes: string[]; values: Set<string> }>();

  add(named: Named): void {
    const axes = [...named.keys()].sort();
    const set = axes.join(' ');
    const one = this.bySet.get(set) ?? { axes, values: new Set() };
    one.values.add(JSON.stringify(axes.map((axis) => String(named.get(axis)?.value))));
    this.bySet.set(set, one);
  }

  has(cell: Record<string, string>): boolean {
    return [...this.bySet.values()].some(({ axes, values }) =>
      values.has(JSON.stringify(axes.map((axis) => cell[axis]))),
    );
  }
}

function include(one: Said, axes: Axes, cells: Map<string, Cell>, sink: WorkflowSink): boolean {
  const flag = (one.node.children ?? []).find((child) => spelled(child.name) === 'allow_failure');
  const word = { name: 'allow_failure', form: 'flag', built: true, many: false } as const;
  const allowFailure = flag !== undefined && flagOf({ word, node: flag, as: 'child' }, sink);
  const named = readNamed(one, axes, sink, flag);
  if (named === undefined) return false;
  const missing = [...axes.keys()].filter((axis) => !named.has(axis));
  if (missing.length > 0) {
    const hint = `Add ${missing.map((axis) => `${axis}="…"`).join(' ')}.`;
    sink.error(one.node.headSpan, 'missing-axis', `this cell has no ${missing.join(' and no ')}`, hint);
    return false;
  }
  const values = Object.fromEntries([...axes.keys()].map((axis) => [axis, String(named.get(axis)?.value ?? '')]));
  const key = keyOf(values);
  if (cells.has(key) && !allowFailure) {
    const hint = 'Take it out, or say what is different: include … { allow_failure; }.';
    sink.error(one.node.headSpan, 'duplicate-cell', 'this cell is there already', hint);
    return false;
  }
  cells.set(key, allowFailure ? { values, allowFailure } : { values });
  return true;
}

/** Undefined when it was reported. `exclude` names values that there are; `include` may bring others. */
function readNamed(one: Said, axes: Axes, sink: WorkflowSink, flag?: LocatedNode): Named | undefined {
  const { node, word } = one;
  const named: Named = new Map();
  let sound = node.arguments.length === 0;
  const pairs = candidates(node).filter(({ node: pair }) => pair !== flag);
  if (!sound || pairs.length === 0) {
    const axis = axes.keys().next().value ?? 'os';
    sink.error(node.headSpan, 'wrong-form', `"${word.name}" names values of axes`, `Write ${word.name} ${axis}="…".`);
    return undefined;
  }
  for (const { node: pair } of pairs) {
    const [value, second] = pair.arguments;
    const known = axes.get(pair.name);
    if (known === undefined) {
      const nearest = nearestName(pair.name, [...axes.keys()]);
      const hint = nearest === undefined ? `There are: ${[...axes.keys()].join(', ')}.` : `Did you mean "${nearest}"?`;
      sink.error(pair.nameSpan, 'unknown-axis', `there is no axis ${quote(pair.name)}`, hint);
      sound = false;
    } else if (value === undefined || second !== undefined || named.has(pair.name)) {
      const hint = `Write ${pair.name}="…" once.`;
      sink.error(pair.headSpan, 'wrong-form', `${quote(pair.name)} has one value here`, hint);
      sound = false;
    } else {
      const text = cellText(value, sink);
      if (text === undefined) {
        sound = false;
      } else if (word.name === 'exclude' && !known.has(text)) {
        const nearest = nearestName(text, [...known.keys()]);
        const hint =
          nearest === undefined ? `There are: ${[...known.keys()].join(', ')}.` : `Did you mean "${nearest}"?`;
        sink.error(value.span, 'unknown-axis', `axis ${quote(pair.name)} has no value ${quote(text)}`, hint);
        sound = false;
      } else {
        named.set(pair.name, value);
      }
    }
  }
  return sound ? named : undefined;
}

function combinations(axes: Axes): Record<string, string>[] {
  if ([...axes.values()].every((values) => values.size === 0)) return [];
  let all: [string, string][][] = [[]];
  for (const [axis, values] of axes) {
    all = all.flatMap((cell) => [...values.keys()].map((value): [string, string][] => [...cell, [axis, value]]));
  }
  return all.map((cell) => Object.fromEntries(cell));
}

function keyOf(values: Record<string, string>): string {
  return JSON.stringify(Object.values(values));
}
