import { nearestName } from '../errors/index.js';
import { type DiagnosticSink, quote } from './diagnostic-sink.js';
import { findWord, type Language, spelled, type Word } from './language.js';
import type { LocatedNode } from './located-tree.js';

/** A word as it was said: a property is a child with one argument, so both are nodes here. */
export interface Said {
  word: Word;
  node: LocatedNode;
  as: 'property' | 'child';
}

/** The words of one node, checked against the table: known, in their place, once where once is meant. */
export class SaidWords {
  private readonly byName = new Map<string, Said[]>();

  constructor(
    readonly said: readonly Said[],
    /** Something was said that is no word: what seems to be missing was probably meant by it. */
    readonly hasUnknown: boolean,
  ) {
    for (const one of said) {
      const others = this.byName.get(one.word.name);
      if (others === undefined) this.byName.set(one.word.name, [one]);
      else others.push(one);
    }
  }

  get(name: string): Said | undefined {
    return this.byName.get(name)?.[0];
  }

  all(name: string): readonly Said[] {
    return this.byName.get(name) ?? [];
  }
}

export interface ReadOptions {
  /** Inside a word that isn't built yet: its own warning was given, only mistakes are still told. */
  insideUnbuilt?: boolean;
}

/** Reads what is said in a node that stands for a place of the language. */
export function readWords<Place extends string>(
  language: Language<Place>,
  node: LocatedNode,
  place: Place,
  sink: DiagnosticSink,
  options: ReadOptions = {},
): SaidWords {
  const said: Said[] = [];
  let hasUnknown = false;
  const firstSaid = new Map<string, Said>();
  for (const { node: candidate, as } of candidates(node)) {
    const word = findWord(language.words, place, candidate.name);
    if (word === undefined) {
      hasUnknown = true;
      reportUnknown(language, candidate, place, sink);
      continue;
    }
    const one: Said = { word, node: candidate, as };
    const earlier = firstSaid.get(word.name);
    if (earlier === undefined) {
      firstSaid.set(word.name, one);
    } else if (!word.many || as === 'property' || earlier.as === 'property') {
      const line = earlier.node.nameSpan.line;
      sink.error(
        candidate.nameSpan,
        'duplicate-word',
        as === earlier.as
          ? `"${word.name}" is said twice`
          : `"${word.name}" is said as a property and as a child; they mean the same`,
        `It stands already in line ${line}; keep one of them.`,
      );
      continue;
    }
    if (!word.built && options.insideUnbuilt !== true) {
      notAvailable(language, candidate, quote(candidate.name), sink);
    }
    if (!word.built || options.insideUnbuilt === true) {
      const inside = language.insideOf(word, candidate.arguments[0]?.value);
      // Only mistakes in words: what a word that isn't built yet has inside means nothing so far.
      if (inside !== undefined) readWords(language, candidate, inside, sink, { insideUnbuilt: true });
    }
    said.push(one);
  }
  return new SaidWords(said, hasUnknown);
}

export function notAvailable(
  language: { notAvailableHint: string },
  node: LocatedNode,
  what: string,
  sink: DiagnosticSink,
): void {
  sink.warning(node.nameSpan, 'not-available-yet', `${what} is not available yet`, language.notAvailableHint);
}

/** Properties, as children with one argument, then the children. */
export function candidates(node: LocatedNode): Array<{ node: LocatedNode; as: 'property' | 'child' }> {
  const properties = node.properties.map((property) => ({
    as: 'property' as const,
    node: {
      name: property.name,
      nameSpan: property.nameSpan,
      headSpan: {
        ...property.nameSpan,
        endLine: property.value.span.endLine,
        endColumn: property.value.span.endColumn,
      },
      arguments: [property.value],
      properties: [],
      children: undefined,
    },
  }));
  return [...properties, ...(node.children ?? []).map((child) => ({ node: child, as: 'child' as const }))];
}

export function reportUnknown<Place extends string>(
  language: Language<Place>,
  node: LocatedNode,
  place: Place,
  sink: DiagnosticSink,
): void {
  if (sink.isFull) {
    // Only counted from here on; looking for a suggestion would cost more than it gives.
    sink.error(node.nameSpan, 'unknown-word', '', '');
    return;
  }
  const where = place === language.top ? 'at the top of a file' : `in ${language.titleOf(place)}`;
  const known = language.words[place].map((word) => word.name);
  const name = spelled(node.name);
  const elsewhere = language.elsewhere?.(place, name);
  if (elsewhere !== undefined) {
    sink.error(node.nameSpan, 'misplaced-word', elsewhere.message, elsewhere.hint);
    return;
  }
  const nearest = language.foreignWords[place]?.[name] ?? nearestName(node.name, known);
  const belongs = placesOf(language, name, place);
  if (nearest === undefined && belongs.length > 0) {
    sink.error(
      node.nameSpan,
      'misplaced-word',
      `${quote(node.name)} does not belong ${where}`,
      `It belongs in ${belongs.map((one) => language.titleOf(one)).join(' or ')}.`,
    );
    return;
  }
  const suggestion =
    nearest !== undefined
      ? `Did you mean "${nearest}"?`
      : known.length === 0
        ? 'Nothing is said here.'
        : `Here there are: ${known.join(', ')}.`;
  sink.error(node.nameSpan, 'unknown-word', `there is no word ${quote(node.name)} ${where}`, suggestion);
}

/** Where a word would be right: places that can be used now before those that can't. */
function placesOf<Place extends string>(language: Language<Place>, name: string, not: Place): Place[] {
  const places = (Object.keys(language.words) as Place[]).filter(
    (place) => place !== not && findWord(language.words, place, name) !== undefined,
  );
  // A word that names something in one place and holds words in another was most likely meant as the latter.
  const blocks = places.filter((place) => findWord(language.words, place, name)?.form === 'block');
  const meant = blocks.length > 0 ? blocks : places;
  const now = meant.filter((place) => language.isPlaceBuilt(place));
  return now.length > 0 ? now : meant.slice(0, 3);
}
