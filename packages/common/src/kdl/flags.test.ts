import { expect, it } from 'vitest';
import { flagsAsChildren } from './flags.js';
import type { Language } from './language.js';
import type { LocatedNode } from './located-tree.js';
import { readDocument } from './read-document.js';

const language: Language<'thing'> = {
  kind: { one: '', many: '', page: '', listExample: '', tooLargeHint: '', tooManyValuesHint: '' },
  words: {
    thing: [
      { name: 'keep_it', form: 'flag', built: true, many: false },
      { name: 'kept', form: 'text', built: true, many: false },
    ],
  },
  top: 'thing',
  foreignWords: {},
  titleOf: (place) => place,
  isPlaceBuilt: () => true,
  insideOf: () => undefined,
  notAvailableHint: '',
};

function shape(text: string): string {
  const { meaning } = readDocument(text, { file: 'x', kind: language.kind }, ([node]) =>
    node === undefined ? undefined : flagsAsChildren(language, node, 'thing'),
  );
  const { arguments: values, children } = meaning as LocatedNode;
  return `${values.map(({ value }) => value).join(',')} | ${(children ?? []).map(({ name }) => name).join(',')}`;
}

it.each([
  ['thing "a" keep-it', 'a | keep-it'],
  ['thing "a" keep_it { kept "x"; }', 'a | keep_it,kept'],
  // Near enough for a suggestion.
  ['thing "a" kep-it', 'a | kep-it'],
  // The name, a text in quotes, a word that is no flag, a number.
  ['thing keep_it', 'keep_it | '],
  ['thing "a" "keep_it"', 'a,keep_it | '],
  ['thing "a" elsewhere', 'a,elsewhere | '],
  ['thing "a" 7 keep_it', 'a,7 | keep_it'],
])('%s: %s', (text, expected) => expect(shape(text)).toBe(expected));
