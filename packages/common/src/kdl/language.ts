import type { FileKind } from './file-kind.js';

/**
 * How a word is written. `text`: one value. `list`: several values, or one with spaces. `map`: NAME="value" pairs.
 * `block`: a node with words of its own. `flag`: presence is all.
 */
export type WordForm = 'text' | 'list' | 'map' | 'block' | 'flag';

export interface Word<Place extends string = string> {
  name: string;
  form: WordForm;
  /** False: designed, known, and answered with `not-available-yet`. */
  built: boolean;
  /** May be said more than once in one place. */
  many: boolean;
  /** Where the words inside it are listed; absent: it has none, or any. */
  inside?: Place;
}

/** One of our languages: its words by the place they stand in, and what is said of them. */
export interface Language<Place extends string> {
  kind: FileKind;
  words: Readonly<Record<Place, readonly Word<Place>[]>>;
  /** The place of what stands at the top of a file. */
  top: NoInfer<Place>;
  /** What people write who know another language, and what it is here. */
  foreignWords: Partial<Record<Place, Record<string, string>>>;
  /** How messages call a place, where it is not `"place"`. */
  titleOf(place: Place): string;
  /** Can the words of this place be used now, all the words on the way to it being built? */
  isPlaceBuilt(place: Place): boolean;
  /** Where the words inside a node are listed; undefined: it has none, or any. */
  insideOf(word: Word<Place>, firstArgument: unknown): Place | undefined;
  /** What is said of a word that would fit elsewhere, where more is known than in which places it stands. */
  elsewhere?(place: Place, name: string): { message: string; hint: string } | undefined;
  /** What follows from a word that is not available yet. */
  notAvailableHint: string;
}

/** `runs-on` and `runs_on` are the same word. */
export function spelled(name: string): string {
  return name.replaceAll('-', '_');
}

export function findWord<Place extends string>(
  words: Readonly<Record<Place, readonly Word<Place>[]>>,
  place: Place,
  name: string,
): Word<Place> | undefined {
  const wanted = spelled(name);
  return words[place].find((word) => word.name === wanted);
}
