import { TypeError as CelTypeError, ParseError } from '@marcbachmann/cel-js';
import { nearestName } from '../errors/index.js';
import { declare, makeEnvironment, type NameTree, plant } from './environment.js';
import { inOurWords } from './in-our-words.js';
import type { NameType } from './names.js';
import { type Reading, readingOf } from './references.js';
import { conditionFunctions, findUnbounded } from './refuse-unbounded.js';
import { MAX_EXPRESSION_LENGTH, type TextProblem } from './split-text.js';

/** What the conditions of a place may read. */
export interface ConditionScope {
  /** The type of a name, whole; or what is wrong with it. */
  find(path: readonly string[]): { type: NameType } | { message: string; hint: string };
}

/** A condition that is right, with all that it reads. */
export interface CheckedCondition extends Reading {
  /** It reads nothing that could be otherwise: what it always comes to. */
  always?: boolean;
}

const parser = makeEnvironment({ loose: true }).registerFunction('changed(string): bool', () => false);

/** Checks a condition against the names of its place: it has to be CEL of type bool. Never throws. Places are in its text. */
export function checkCondition(
  text: string,
  scope: ConditionScope,
): { condition: CheckedCondition } | { problems: TextProblem[] } {
  const whole = { start: 0, end: text.length };
  if (text.trim() === '') {
    return { problems: [{ message: 'this condition says nothing', hint: example, ...whole }] };
  }
  if (text.length > MAX_EXPRESSION_LENGTH) {
    const message = `a condition has ${MAX_EXPRESSION_LENGTH} characters at most`;
    return { problems: [{ message, hint: 'Ask a script, and read its output.', ...whole }] };
  }
  try {
    const { ast } = parser.parse(text);
    const unbounded = findUnbounded(ast, conditionFunctions);
    if (unbounded !== undefined) {
      const { node, message, hint } = unbounded;
      return { problems: [{ message, hint, start: node.start, end: node.end }] };
    }
    const reading = readingOf(ast);
    const types: NameTree = Object.create(null);
    const problems = [...problemsOfNames(text, reading, scope, types), ...problemsOfCalls(reading)];
    if (problems.length > 0) return { problems };
    const problem = problemOfType(text, types);
    if (problem !== undefined) return { problems: [problem] };
    const constant = reading.references.length === 0 && !reading.calls.some(({ name }) => name === 'changed');
    const always: unknown = constant ? parser.evaluate(text) : undefined;
    return { condition: { ...reading, ...(typeof always === 'boolean' && { always }) } };
  } catch (thrown) {
    if (thrown instanceof ParseError || thrown instanceof CelTypeError) {
      return { problems: [{ ...inOurWords(thrown, text, [], example), ...(openDollar(text) ?? {}) }] };
    }
    const message = `this cannot be understood: ${thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : String(thrown)}`;
    return { problems: [{ message, hint: 'Make it simpler.', ...whole }] };
  }
}

/** The patterns that a condition asks `changed(…)` for; none of one that is not right. */
export function changedPatternsIn(text: string): string[] {
  if (!text.includes('changed') || text.length > MAX_EXPRESSION_LENGTH) return [];
  try {
    const { calls } = readingOf(parser.parse(text).ast);
    return calls.flatMap(({ name, texts }) =>
      name === 'changed' && texts[0]?.text !== undefined ? [texts[0].text] : [],
    );
  } catch {
    return [];
  }
}

const example = 'Conditions are CEL: when="branch == \'main\'".';

/** What people write who know another language. */
function openDollar(text: string): TextProblem | undefined {
  const start = text.indexOf('${');
  if (start < 0) return undefined;
  const hint = 'A condition is an expression as a whole: when="branch == \'main\'".';
  return { message: 'there is no "${…}" in a condition', hint, start, end: start + 2 };
}

/** What is wrong with the names that it reads; `types` gets those of the others. */
export function problemsOfNames(
  text: string,
  { references, computed }: Reading,
  scope: ConditionScope,
  types: NameTree,
): TextProblem[] {
  const problems = computed.map((place): TextProblem => {
    const hint = "Name it: needs['unit-tests'].result.";
    return { message: 'which name this reads is known only later', hint, ...place };
  });
  for (const reference of references) {
    const found = scope.find(reference.path);
    const last = problems.at(-1);
    if ('type' in found) plant(types, reference.path, found.type);
    // In needs.unit-tests.result, what comes after the dash is a name of its own, and was told with what is before it.
    else if (last !== undefined && last.end === reference.start - 1 && text[last.end] === '-') last.end = reference.end;
    else problems.push({ message: found.message, hint: found.hint, start: reference.start, end: reference.end });
  }
  return problems;
}

function problemsOfCalls({ calls }: Reading): TextProblem[] {
  return calls.flatMap(({ name, texts, start, end }): TextProblem[] => {
    if (name !== 'changed') return [];
    const [first] = texts;
    if (texts.length === 1 && first?.text !== undefined) return [];
    const hint = "It has one pattern, as it is: changed('src/**').";
    return [{ message: '"changed" is asked before the run begins', hint, start, end }];
  });
}

function problemOfType(text: string, types: NameTree): TextProblem | undefined {
  const environment = makeEnvironment({ loose: false }).registerFunction('changed(string): bool', () => false);
  declare(environment, types);
  const { error, type } = environment.parse(text).check();
  if (error !== undefined) return inOurWords(error, text, [], example);
  if (type === 'bool') return undefined;
  const message = `a condition is true or false, and this gives ${kinds[type ?? ''] ?? type ?? 'something else'}`;
  const hint = type === 'string' ? `Compare it: when="${cut(text)} == '…'".` : example;
  return { message, hint, start: 0, end: text.length };
}

const kinds: Record<string, string> = { string: 'a text', int: 'a number', double: 'a number' };

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The names of a table, each with its dots: `matrix.os`. `hintFor`: what is said where no name is near. */
export function tableScope(
  names: Readonly<Record<string, NameType>>,
  hintFor: (root: string) => string | undefined = () => undefined,
): ConditionScope {
  const known = Object.keys(names);
  return {
    find(path) {
      const name = path.join('.');
      const type = Object.hasOwn(names, name) ? names[name] : undefined;
      if (type !== undefined) return { type };
      const inside = known.filter((one) => one.startsWith(`${name}.`));
      if (inside.length > 0) {
        return { message: `this is all of ${name}`, hint: `There are: ${inside.slice(0, 12).join(', ')}.` };
      }
      const nearest = nearestName(name, known);
      const root = path[0] ?? '';
      const hint =
        nearest !== undefined
          ? `Did you mean ${nearest}?`
          : (hintFor(root) ??
            (known.length === 0 ? 'Nothing is known here.' : `There are: ${known.slice(0, 12).join(', ')}.`));
      return { message: `there is no ${name} here`, hint };
    },
  };
}
