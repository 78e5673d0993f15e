import { nearestName } from '../errors/index.js';
import type { Input, Workflow } from './workflow.js';

export const inputTypes = ['string', 'int', 'bool'] as const satisfies readonly Input['type'][];

export type InputValue = string | number | boolean;

/** Longer than any that a person types, shorter than what would burden an environment. */
const mostCharacters = 4_000;

/** What steps read an input from: `INPUT_LEVEL`. */
export function inputVariable(name: string): string {
  return `INPUT_${name.toUpperCase()}`;
}

/** The inputs that a workflow declares; undefined: it has no on "manual". */
export function inputsOf(workflow: Pick<Workflow, 'on'>): readonly Input[] | undefined {
  for (const trigger of workflow.on) if (trigger.event === 'manual') return trigger.inputs;
  return undefined;
}

/** The value that a text stands for, or what is wrong with it, as it goes on after the name of the input. */
export function problemOfValue(input: Input, text: string): { value?: InputValue; problem?: string } {
  if (text.length > mostCharacters) return { problem: `has more than ${mostCharacters} characters` };
  if (text.includes('\0')) return { problem: 'has a NUL in it, which no variable can hold' };
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  switch (input.type) {
    case 'string': {
      if (input.options === undefined || input.options.includes(text)) return { value: text };
      return { problem: `is one of ${input.options.join(', ')}, and not ${shown}` };
    }
    case 'bool':
      return text === 'true' || text === 'false'
        ? { value: text === 'true' }
        : { problem: `is true or false, and not ${shown}` };
    case 'int': {
      const value = Number(text);
      if (!/^-?\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
        return { problem: `is a whole number, and not ${shown}` };
      }
      if (input.min !== undefined && value < input.min)
        return { problem: `is at least ${input.min}, and not ${value}` };
      if (input.max !== undefined && value > input.max) return { problem: `is at most ${input.max}, and not ${value}` };
      return { value: Object.is(value, -0) ? 0 : value };
    }
  }
}

/**
 * What a run gets for the inputs of its workflow. `given`: what somebody said by hand; undefined: the run was not
 * started by hand, so that those without a default have no value. Otherwise every problem is told, a sentence each.
 */
export function resolveInputs(
  inputs: readonly Input[],
  given: Readonly<Record<string, string>> | undefined,
): { values: Record<string, InputValue> } | { problems: string[] } {
  const problems: string[] = [];
  const values = new Map<string, InputValue>();
  const names = inputs.map(({ name }) => name);
  for (const name of Object.keys(given ?? {})) {
    if (names.includes(name)) continue;
    const nearest = nearestName(name, names);
    problems.push(
      `there is no input ${JSON.stringify(name)}${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
    );
  }
  for (const input of inputs) {
    const text = given !== undefined && Object.hasOwn(given, input.name) ? given[input.name] : undefined;
    if (text !== undefined) {
      const { value, problem } = problemOfValue(input, text);
      if (value !== undefined) values.set(input.name, value);
      if (problem !== undefined) problems.push(`input "${input.name}" ${problem}`);
    } else if (input.default !== undefined) {
      values.set(input.name, input.default);
    } else if (given !== undefined) {
      problems.push(`input "${input.name}" is missing, and has no default`);
    }
  }
  return problems.length > 0 ? { problems } : { values: Object.fromEntries(values) };
}

/** One line for who has to say them: `level (info or debug; info if left out)`. */
export function describeInput(input: Input): string {
  const what =
    input.type === 'string'
      ? (input.options?.join(' or ') ?? 'a text')
      : input.type === 'bool'
        ? 'true or false'
        : `a whole number${input.min === undefined ? '' : ` from ${input.min}`}${input.max === undefined ? '' : ` to ${input.max}`}`;
  return `${input.name} (${what}${input.default === undefined ? '' : `; ${input.default === '' ? '""' : input.default} if left out`})`;
}
