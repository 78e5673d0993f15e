import { candidates, quote, type Said, type Text } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';

/** The variables of all `env` nodes of one place. Numbers may go without quotes where nothing is lost by it; `note` is told each text. */
export function readEnv(
  all: readonly Said[],
  note: (text: Text, variable: string) => void,
  sink: WorkflowSink,
): Record<string, string> {
  const variables = new Map<string, string>();
  for (const { node } of all) {
    const [argument] = node.arguments;
    if (argument !== undefined) {
      sink.error(argument.span, 'wrong-form', '"env" has NAME="value" pairs', 'Write env NAME="value".');
    } else if (node.properties.length === 0 && (node.children ?? []).length === 0) {
      sink.error(node.headSpan, 'missing-value', '"env" sets no variable', 'Write env NAME="value".');
    }
    for (const { node: pair } of candidates(node)) {
      const [value, second] = pair.arguments;
      const name = pair.name;
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        sink.error(
          pair.nameSpan,
          'bad-env-name',
          `${quote(name)} cannot be the name of a variable`,
          'Names have letters, digits and "_", and do not begin with a digit.',
        );
        continue;
      }
      if (variables.has(name)) {
        sink.error(pair.nameSpan, 'duplicate-env', `${quote(name)} is set twice here`, 'Keep one of them.');
        continue;
      }
      if (value === undefined) {
        sink.error(
          pair.headSpan,
          'missing-value',
          `${quote(name)} has no value`,
          `Write ${name}="…"; an empty one is "".`,
        );
        continue;
      }
      const [child] = pair.children ?? [];
      if (second !== undefined || child !== undefined || pair.properties.length > 0) {
        sink.error(
          second?.span ?? pair.headSpan,
          'wrong-form',
          'a variable has one value',
          `Write ${name}="…" in one pair of quotes.`,
        );
        continue;
      }
      if (typeof value.value === 'number' && String(value.value) === value.source) {
        variables.set(name, value.source);
      } else if (typeof value.value !== 'string') {
        sink.error(
          value.span,
          'wrong-type',
          `the value of ${quote(name)} is a text`,
          `Put it in quotes: ${name}="${value.source.replace(/^#/, '')}".`,
        );
      } else {
        note({ text: value.value, value }, name);
        variables.set(name, value.value);
      }
    }
  }
  // Not by assignment: a variable may be called __proto__.
  return Object.fromEntries(variables);
}
