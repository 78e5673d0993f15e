import { type Document, getLocation, type Node, parse } from '@bgotink/kdl';
import { DiagnosticSink } from './diagnostic-sink.js';
import { findWord, type Language } from './language.js';
import { layOut } from './layout.js';
import { LineIndex } from './line-index.js';
import { type LocatedNode, readLocatedTree } from './located-tree.js';
import { TextScanner } from './scan-text.js';
import { tokensOf } from './tokens.js';

/**
 * A file in the form of the documentation, words as it spells them. Undefined: the text is not KDL 2.0. Throws if something
 * of the text would be lost or mean something else, which no text should bring about.
 */
export function formatDocument<Place extends string>(text: string, language: Language<Place>): string | undefined {
  const before = treeOf(text, language);
  if (before === undefined) return undefined;
  const respelled = respellings(text, parse(text, { storeLocations: true }), language);
  const formatted = layOut(text, respelled);
  const after = treeOf(formatted, language);
  // Respelled alone, nothing moves: what is compared with it has to be the same, name for name.
  const expected = treeOf(replaced(text, respelled), language);
  if (after === undefined || content(after) !== content(expected ?? [])) {
    throw new Error('after formatting it would mean something else');
  }
  if (said(formatted) !== said(replaced(text, respelled))) {
    throw new Error('after formatting something would be missing');
  }
  if (layOut(formatted) !== formatted) throw new Error('after formatting it would have to be formatted again');
  return formatted;
}

function treeOf<Place extends string>(text: string, language: Language<Place>): LocatedNode[] | undefined {
  const lines = new LineIndex(text);
  const sink = new DiagnosticSink('');
  if (!new TextScanner(text, lines, language.kind, sink).scan()) return undefined;
  return readLocatedTree(text, lines, language.kind, sink);
}

/** By offset, what is written in place of a word: `runs_on` for `runs-on`. Of names that are no words, none is here. */
function respellings<Place extends string>(
  text: string,
  document: Document,
  language: Language<Place>,
): Map<number, string> {
  const found = new Map<number, string>();
  const respell = (name: Node['name'], place: Place): void => {
    const word = findWord(language.words, place, name.name);
    const offset = getLocation(name)?.start.offset;
    if (word === undefined || offset === undefined || word.name === name.name) return;
    if (text.startsWith(name.name, offset)) found.set(offset, word.name);
  };
  const visit = ({ nodes }: Document, place: Place): void => {
    for (const node of nodes) {
      respell(node.name, place);
      const word = findWord(language.words, place, node.name.name);
      const inside = word && language.insideOf(word, node.getArgument(0));
      if (inside === undefined) continue;
      for (const { name } of node.entries) if (name !== null) respell(name, inside);
      if (node.children !== null) visit(node.children, inside);
    }
  };
  visit(document, language.top);
  return found;
}

function replaced(text: string, respelled: ReadonlyMap<number, string>): string {
  // A word and its other spelling are equally long.
  const pieces: string[] = [];
  let from = 0;
  for (const [offset, word] of [...respelled].sort(([a], [b]) => a - b)) {
    pieces.push(text.slice(from, offset), word);
    from = offset + word.length;
  }
  return pieces.join('') + text.slice(from);
}

/** What the nodes say, without their places. */
function content(nodes: readonly LocatedNode[]): string {
  return JSON.stringify(nodes.map(contentOf));
}

function contentOf(node: LocatedNode): unknown {
  return [
    node.name,
    node.arguments.map((value) => sameInJson(value.value)),
    node.properties.map(({ name, value }) => [name, sameInJson(value.value)]),
    node.children?.map(contentOf) ?? null,
  ];
}

/** JSON has no infinity, no NaN and no -0. */
function sameInJson(value: string | number | boolean | null): unknown {
  return typeof value === 'number' ? [Object.is(value, -0) ? '-0' : String(value)] : value;
}

/** Everything that was written, comments and what is commented out with them; not how it is laid out. */
function said(text: string): string {
  const kept = tokensOf(text).filter(({ kind }) => kind !== 'space' && kind !== 'newline' && kind !== 'semicolon');
  return JSON.stringify(
    kept.map(({ kind, text: written }) => (kind === 'text' ? written.replace(/^\s+/gm, '').trim() : written)),
  );
}
