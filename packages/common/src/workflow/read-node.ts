import {
  durationOf,
  identityOf,
  type LocatedNode,
  listOf,
  quote,
  type SaidWords,
  type Text,
  textOf,
} from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import type { OpenText } from './open-texts.js';
import { readChoice } from './read-choice.js';
import { isId, slug } from './read-names.js';
import { readWords } from './read-words.js';

/** A need, and where it stands. */
export interface Need {
  text: Text;
  on?: 'always' | 'failed';
}

/** `needs "a" "b" on="always"`: what follows `on` is said of all in the line. */
export function readNeeds(said: SaidWords, sink: WorkflowSink): Need[] {
  return said.all('needs').flatMap((one) => {
    // As a property it has no words of its own: they would be the node's.
    const inner = readWords(one.as === 'child' ? one.node : { ...one.node, properties: [] }, 'needs', sink);
    const on = readChoice(inner.get('on'), ['always', 'failed'], sink);
    const listed = { what: 'node', ifEmpty: 'Leave it out to begin at once.' };
    return listOf(one, listed, sink).map((text) => (on === undefined ? { text } : { text, on }));
  });
}

/** Needs as the workflow has them. What is said later of the same node counts. */
export function asNeeds(needs: readonly Need[]): { needs: string[]; needsOn?: Record<string, 'always' | 'failed'> } {
  const byId = new Map(needs.map(({ text, on }) => [text.text, on]));
  const needsOn = [...byId].flatMap(([id, on]): [string, 'always' | 'failed'][] =>
    on === undefined ? [] : [[id, on]],
  );
  return { needs: [...byId.keys()], ...(needsOn.length === 0 ? {} : { needsOn: Object.fromEntries(needsOn) }) };
}

/** `id` (or what `word` is), or the first argument; a `name` that would do as an id is one. `what`: as messages call it. */
export function readId(
  node: LocatedNode,
  said: SaidWords,
  {
    what,
    word,
    name,
  }: { what: 'job' | 'wait' | 'branch' | 'gate' | 'template'; word: 'id' | 'name'; name?: string | undefined },
  sink: WorkflowSink,
): Text | undefined {
  const text = identityOf(node, said, word, sink);
  if (text === undefined) {
    if (said.get(word) !== undefined || node.arguments.length > 0 || said.hasUnknown) return undefined;
    const [value] = said.get('name')?.node.arguments ?? [];
    if (name !== undefined && value !== undefined && isId(name)) return { text: name, value };
    const example = slug(name ?? '', exampleIds[what]);
    sink.error(node.headSpan, 'missing-id', `this ${what} has no ${word}`, `Write ${what} ${word}="${example}".`);
    return undefined;
  }
  if (isId(text.text)) return text;
  sink.error(
    text.value.span,
    'bad-id',
    `${quote(text.text)} is no good as the ${word} of a ${what}`,
    `${word === 'id' ? 'An id' : 'It'} has letters, digits, "_" and "-", at most 63: ${word}="${slug(text.text)}".${
      word === 'id' ? ' What people read is its name="…".' : ''
    }`,
  );
  return undefined;
}

const exampleIds = { job: 'build', wait: 'soak', branch: 'channel', gate: 'release', template: 'rust' };

/** `when`, to be checked when it is known which names its place has. */
export function readWhen(
  said: SaidWords,
  condition: NonNullable<OpenText['condition']>,
  open: OpenText[],
  sink: WorkflowSink,
): string | undefined {
  const text = textOf(said.get('when'), sink);
  if (text !== undefined) open.push({ text, withoutRunsOn: false, condition });
  return text?.text;
}

/** The clocks that are written as one duration each. */
export function readClocks<Word extends 'timeout' | 'deadline' | 'queue' | 'silence'>(
  said: SaidWords,
  words: readonly Word[],
  sink: WorkflowSink,
): Partial<Record<`${Word}Ms`, number>> {
  const clocks: Partial<Record<string, number>> = {};
  for (const word of words) {
    const limitMs = durationOf(said.get(word), sink);
    if (limitMs !== undefined) clocks[`${word}Ms`] = limitMs;
  }
  return clocks as Partial<Record<`${Word}Ms`, number>>;
}
