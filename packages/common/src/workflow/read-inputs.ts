import { type LocatedNode, type LocatedValue, listOf, quote, type Said, type SaidWords, textOf } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { inputTypes, inputVariable, problemOfValue } from './inputs.js';
import { workflowLimits } from './limits.js';
import { readWords } from './read-words.js';
import type { Input } from './workflow.js';

/** The inputs of `on "manual"`, or of a gate, each once. */
export function readInputs(all: readonly Said[], sink: WorkflowSink): Input[] {
  const found = new Map<string, { input: Input; line: number }>();
  for (const { node } of all) {
    const input = readInput(node, sink);
    if (input === undefined) continue;
    const variable = inputVariable(input.name);
    const earlier = found.get(variable);
    if (earlier !== undefined) {
      sink.error(
        node.headSpan,
        'duplicate-input',
        `there is an input ${quote(earlier.input.name)} already, and both would be ${variable}`,
        `It stands in line ${earlier.line}; give this one another name.`,
      );
    } else if (found.size >= workflowLimits.inputs) {
      sink.error(
        node.headSpan,
        'too-many-inputs',
        `there may be ${workflowLimits.inputs} inputs, and this is one more`,
        'Put some together.',
      );
    } else {
      found.set(variable, { input, line: node.headSpan.line });
    }
  }
  return [...found.values()].map(({ input }) => input);
}

function readInput(node: LocatedNode, sink: WorkflowSink): Input | undefined {
  const [named, second] = node.arguments;
  const said = readWords(node, 'input', sink);
  if (second !== undefined) {
    sink.error(second.span, 'wrong-form', '"input" has one argument, its name', 'Write another line: input "…".');
  }
  if (named === undefined) {
    sink.error(node.headSpan, 'missing-name', 'this input has no name', 'Write input "level".');
    return undefined;
  }
  if (typeof named.value !== 'string' || !/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(named.value)) {
    sink.error(
      named.span,
      'bad-input-name',
      `${quote(String(named.value))} cannot be the name of an input`,
      'Names have letters, digits and "_", at most 63, and do not begin with a digit.',
    );
    return undefined;
  }
  const type = typeOf(said, sink);
  if (type === undefined) return undefined;
  const input = withRules(named.value, type, said, sink);
  return input && withDefault(input, said.get('default'), sink);
}

function typeOf(said: SaidWords, sink: WorkflowSink): Input['type'] | undefined {
  const written = said.get('type');
  if (written === undefined) return 'string';
  const text = textOf(written, sink);
  if (text === undefined) return undefined;
  const type = inputTypes.find((one) => one === text.text);
  if (type === undefined) {
    sink.error(
      text.value.span,
      'bad-choice',
      `${quote(text.text)} is no type of inputs`,
      `There are: ${inputTypes.join(', ')}.`,
    );
  }
  return type;
}

/** What the type allows beside it: `options` of a text, `min` and `max` of a number. */
function withRules(name: string, type: Input['type'], said: SaidWords, sink: WorkflowSink): Input | undefined {
  for (const word of type === 'string' ? ['min', 'max'] : type === 'int' ? ['options'] : ['options', 'min', 'max']) {
    const odd = said.get(word);
    if (odd === undefined) continue;
    sink.error(
      odd.node.nameSpan,
      'wrong-form',
      `an input of type "${type}" has no "${word}"`,
      word === 'options' ? 'Options are texts: leave the type out.' : 'Write type="int" for a whole number.',
    );
  }
  if (type === 'bool') return { name, type };
  if (type === 'string') {
    const written = said.get('options');
    const listed = { what: 'option', ifEmpty: 'Leave it out for any text.' };
    const options = [...new Set(listOf(written, listed, sink).map(({ text }) => text))];
    return { name, type, ...(written !== undefined && options.length > 0 && { options }) };
  }
  const min = wholeNumberOf(said.get('min'), sink);
  const max = wholeNumberOf(said.get('max'), sink);
  if (min !== undefined && max !== undefined && min > max) {
    const { node } = said.get('max') as Said;
    sink.error(node.headSpan, 'bad-number', `"max" is less than "min", which is ${min}`, 'Change one of them.');
    return undefined;
  }
  return { name, type, ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

function wholeNumberOf(said: Said | undefined, sink: WorkflowSink): number | undefined {
  if (said === undefined) return undefined;
  const [value, second] = said.node.arguments;
  if (value !== undefined && second === undefined && Number.isSafeInteger(value.value)) return Number(value.value);
  sink.error(
    value?.span ?? said.node.headSpan,
    'bad-number',
    `"${said.word.name}" is a whole number`,
    `Write ${said.word.name}=2.`,
  );
  return undefined;
}

/** A default is a value like any other: it has to pass the same checks. */
function withDefault(input: Input, said: Said | undefined, sink: WorkflowSink): Input | undefined {
  if (said === undefined) return input;
  const [value, second] = said.node.arguments;
  if (value === undefined || second !== undefined) {
    sink.error(
      second?.span ?? said.node.headSpan,
      'wrong-form',
      '"default" has one value',
      'A text with spaces stands in quotes.',
    );
    return undefined;
  }
  const text = plainText(value);
  const checked = text === undefined ? undefined : problemOfValue(input, text);
  if (text === undefined || checked?.problem !== undefined) {
    sink.error(
      value.span,
      'bad-default',
      `the default of ${quote(input.name)} ${checked?.problem ?? 'is no value'}`,
      'Write a value that the input itself would take.',
    );
    return undefined;
  }
  return { ...input, default: checked?.value } as Input;
}

function plainText(value: LocatedValue): string | undefined {
  if (typeof value.value === 'string') return value.value;
  if (typeof value.value === 'number' && Number.isSafeInteger(value.value)) return String(value.value);
  return typeof value.value === 'boolean' ? String(value.value) : undefined;
}
