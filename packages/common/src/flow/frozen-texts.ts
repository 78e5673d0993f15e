import {
  type CheckedText,
  checkText,
  isOpen,
  type LatePiece,
  type Names,
  type NameValue,
  Scope,
} from '../expressions/index.js';
import { workflowLimits } from '../workflow/index.js';
import type { LateText } from './spec.js';
import { problemOfText } from './storable-text.js';

type Values = Readonly<Record<string, NameValue>>;

/** The names that texts of a place may say, with those that have been understood. */
export interface Place {
  scope: Scope;
  checked: Map<string, CheckedText | undefined>;
  /** The same of texts that may read what nodes give. */
  checkedLate: Map<string, CheckedText | undefined>;
}

export function placeOf(names: Names): Place {
  return { scope: new Scope(names), checked: new Map(), checkedLate: new Map() };
}

/** Where texts of a node are frozen, and where those are put that are late. */
export interface At {
  place: Place;
  values: Values;
  late: LateText[];
}

/** Evaluates the texts of one run. `tell`: hears what they give that is no good. */
export class FrozenTexts {
  private length = 0;

  constructor(private readonly tell: (message: string) => void) {}

  text(text: string, place: Place, values: Values): string {
    const found = this.evaluated(text, place, values, place.checked, undefined);
    return 'text' in found ? found.text : '';
  }

  /** Undefined: it is late, and stands with those now. */
  lateText(text: string, at: LateText['at'], { place, values, late }: At): string | undefined {
    const found = this.evaluated(text, place, values, place.checkedLate, 'unchecked');
    if ('text' in found) return found.text;
    late.push({ at, pieces: found.pieces });
    return undefined;
  }

  /** Without those that are late. */
  env(all: Record<string, string>, placeOfName: (name: string) => LateText['at'], at: At): Record<string, string> {
    return Object.fromEntries(
      Object.entries(all).flatMap(([name, text]): [string, string][] => {
        const known = this.lateText(text, placeOfName(name), at);
        return known === undefined ? [] : [[name, known]];
      }),
    );
  }

  private evaluated(
    text: string,
    place: Place,
    values: Values,
    known: Place['checked'],
    late: 'unchecked' | undefined,
  ): { text: string } | { pieces: LatePiece[] } {
    if (!isOpen(text)) return { text };
    let checked = known.get(text);
    if (!known.has(text)) {
      const result = checkText(text, place.scope, late);
      checked = 'checked' in result ? result.checked : undefined;
      known.set(text, checked);
      // The parser has told it, with its place: this is for a workflow that did not come from it.
      if ('problems' in result) this.tell(`${text}: ${result.problems[0]?.message ?? ''}`);
    }
    const found = checked?.evaluate(values) ?? { text: '' };
    if ('problem' in found) {
      this.tell(`${text}: ${found.problem}`);
      return { text: '' };
    }
    const problem = problemOfText('text' in found ? found.text : found.pieces.map(writtenOf).join(''));
    if (problem !== undefined) {
      this.tell(`${text}: ${problem}`);
      return { text: '' };
    }
    const length = 'text' in found ? found.text.length : lengthOf(found.pieces);
    this.length += length;
    if (this.length > workflowLimits.textOfRun) {
      if (this.length - length <= workflowLimits.textOfRun) this.tell('expressions give too much text');
      return { text: '' };
    }
    return found;
  }
}

function lengthOf(pieces: readonly LatePiece[]): number {
  return pieces.reduce((sum, piece) => sum + writtenOf(piece).length, 0);
}

function writtenOf(piece: LatePiece): string {
  return 'text' in piece ? piece.text : piece.expression;
}
