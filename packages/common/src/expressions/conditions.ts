import { type Environment, EvaluationError, type ParseResult } from '@marcbachmann/cel-js';
import { makeEnvironment } from './environment.js';
import { type Reference, readingOf } from './references.js';
import { conditionFunctions, findUnbounded } from './refuse-unbounded.js';
import { MAX_EXPRESSION_LENGTH } from './split-text.js';

/**
 * What a condition may read, as plain JSON: `{ branch: 'main', matrix: { os: 'linux' }, needs: { test: { result: 'failed',
 * reason: 'exit 1', outputs: {} } } }`. A name may also be written with its dots: `{ 'inputs.level': 'debug' }`. Whole
 * numbers are CEL's ints.
 */
export type ConditionContext = Readonly<Record<string, unknown>>;

export type Verdict = { holds: boolean } | { problem: string };

interface Understood {
  program: ParseResult;
  references: readonly Reference[];
}

/** Judges the conditions of one run, and evaluates what its texts say of nodes. The same text is understood once. */
export class Conditions {
  private readonly environment: Environment;
  private readonly understood = new Map<string, Understood | { problem: string }>();

  /** `changed`: what `changed('src/**')` came to, by the pattern. */
  constructor(changed: Readonly<Record<string, boolean>> = {}) {
    this.environment = makeEnvironment({ loose: true });
    this.environment.registerFunction('changed(string): bool', (pattern: string) => {
      if (Object.hasOwn(changed, pattern)) return changed[pattern] === true;
      throw new Error(`nobody has looked whether something like "${pattern}" changed`);
    });
  }

  /**
   * Never throws, and takes no longer than its text is long. Outputs that nobody has set, and what `error` leaves out, read
   * as the empty text (`error.exit` as 0); any other name that is not there is a problem.
   */
  judge(text: string, context: ConditionContext): Verdict {
    const found = this.valueOf(text, context);
    if ('problem' in found) return found;
    if (typeof found.value === 'boolean') return { holds: found.value };
    return { problem: 'a condition is true or false, and this gives something else' };
  }

  /** The same of an expression that stands in a text: what is put in its place. */
  textOf(expression: string, context: ConditionContext): { text: string } | { problem: string } {
    const found = this.valueOf(expression, context);
    if ('problem' in found) return found;
    const { value } = found;
    // CEL's unsigned numbers are objects that have one inside.
    const plain: unknown = typeof value === 'object' && value !== null ? value.valueOf() : value;
    return ['string', 'bigint', 'number', 'boolean'].includes(typeof plain)
      ? { text: String(value) }
      : { problem: 'this gives something else than a text' };
  }

  private valueOf(text: string, context: ConditionContext): { value: unknown } | { problem: string } {
    const understood = this.understand(text);
    if ('problem' in understood) return understood;
    try {
      return { value: understood.program(celContext(context, understood.references)) };
    } catch (thrown) {
      return { problem: problemOf(thrown, text, understood.references) };
    }
  }

  private understand(text: string): Understood | { problem: string } {
    let found = this.understood.get(text);
    if (found === undefined) {
      found = understand(text, this.environment);
      this.understood.set(text, found);
    }
    return found;
  }
}

function understand(text: string, environment: Environment): Understood | { problem: string } {
  // What a file says was checked with it. This is for a run that came from elsewhere.
  if (text.length > MAX_EXPRESSION_LENGTH) return { problem: `it is longer than ${MAX_EXPRESSION_LENGTH} characters` };
  try {
    const program = environment.parse(text);
    const unbounded = findUnbounded(program.ast, conditionFunctions);
    if (unbounded !== undefined) return { problem: unbounded.message };
    return { program, references: readingOf(program.ast).references };
  } catch (thrown) {
    return { problem: firstLineOf(thrown) };
  }
}

function problemOf(thrown: unknown, text: string, references: readonly Reference[]): string {
  if (thrown instanceof EvaluationError && (thrown.code === 'no_such_key' || thrown.code === 'unknown_variable')) {
    const { range } = thrown;
    const read = references.find(({ start, end }) => range !== undefined && start <= range.start && range.end <= end);
    if (read !== undefined) return `there is no ${text.slice(read.start, read.end)} here`;
  }
  return firstLineOf(thrown);
}

function firstLineOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return (message.split('\n')[0] ?? '').slice(0, 300);
}

/** In maps, whatever the names are; with the names that may be missing. */
function celContext(context: ConditionContext, references: readonly Reference[]): Record<string, unknown> {
  const root = new Map<string, unknown>();
  for (const [name, value] of Object.entries(context)) put(root, name.split('.'), celValue(value));
  for (const { path } of references) {
    const [first, , kind] = path;
    if (first === 'error' && path.length === 2) {
      putMissing(root, path, path[1] === 'exit' ? 0n : '');
    } else if (first === 'needs' && kind === 'outputs' && path.length === 4) {
      putMissing(root, path, '');
    }
  }
  return Object.fromEntries(root);
}

function put(root: Map<string, unknown>, path: readonly string[], value: unknown): void {
  let at = root;
  for (const part of path.slice(0, -1)) {
    let inside = at.get(part);
    if (!(inside instanceof Map)) {
      inside = new Map<string, unknown>();
      at.set(part, inside);
    }
    at = inside as Map<string, unknown>;
  }
  at.set(path.at(-1) ?? '', value);
}

/** Only where what it stands in is there: a job that is not needed has no outputs. */
function putMissing(root: Map<string, unknown>, path: readonly string[], value: unknown): void {
  const needed = path.slice(0, -2).reduce<unknown>((at, part) => (at instanceof Map ? at.get(part) : undefined), root);
  const holder = needed instanceof Map ? needed.get(path.at(-2)) : undefined;
  if (holder instanceof Map ? !holder.has(path.at(-1)) : needed instanceof Map && holder === undefined) {
    put(root, path, value);
  }
}

function celValue(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([name, inside]) => [name, celValue(inside)]));
}
