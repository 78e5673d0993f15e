import { nearestName } from '../errors/index.js';
import { quote, type Said, textOf } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';

/** One of a few values. Undefined when it was left out, or reported. */
export function readChoice<const Choice extends string>(
  said: Said | undefined,
  choices: readonly Choice[],
  sink: WorkflowSink,
): Choice | undefined {
  const text = textOf(said, sink);
  if (said === undefined || text === undefined) return undefined;
  const found = choices.find((choice) => choice === text.text);
  if (found !== undefined) return found;
  const nearest = nearestName(text.text, choices);
  sink.error(
    text.value.span,
    'bad-choice',
    `${quote(text.text)} is nothing that "${said.word.name}" knows`,
    nearest === undefined
      ? `Write ${choices.map((choice) => `${said.word.name}="${choice}"`).join(' or ')}, or leave it out.`
      : `Did you mean "${nearest}"?`,
  );
  return undefined;
}
