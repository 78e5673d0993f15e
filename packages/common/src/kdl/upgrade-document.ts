import { type Document, format, parse } from '@bgotink/kdl';
import { parse as parseKdlOne } from '@bgotink/kdl/v1-compat';
import { tokensOf } from './tokens.js';

/**
 * A text of KDL 1.0 as one of KDL 2.0 that says the same, comments included. Undefined: it is not KDL 1.0, or something of
 * it cannot be said in 2.0.
 */
export function upgradeDocument(text: string): string | undefined {
  const marked = text.replace(/^(\ufeff?\s*\/-\s*kdl-version\s+)1\b/, '$12');
  const old = attempt(() => parseKdlOne(text));
  // Many texts are both; then the mark alone is wrong.
  if (old === undefined) return attempt(() => parse(marked)) === undefined ? undefined : marked;
  const wanted = content(old);
  writePlainly(old);
  const upgraded = format(old).replace(/^(\ufeff?\s*\/-\s*kdl-version\s+)1\b/, '$12');
  const read = attempt(() => parse(upgraded));
  if (read === undefined || content(read) !== wanted) return undefined;
  return comments(upgraded, 2) === comments(text, 1) ? upgraded : undefined;
}

function attempt(read: () => Document): Document | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** In a text of several lines, 2.0 takes the spaces of a line that has nothing else away: such strings get escapes. */
function writePlainly(document: Document): void {
  for (const node of document.nodes) {
    for (const { value } of node.entries) {
      if (typeof value.value === 'string' && /^[^\S\n]+$/m.test(value.value)) value.representation = undefined;
    }
    if (node.children !== null) writePlainly(node.children);
  }
}

/** What the nodes say. Line ends of Windows are line ends like any other to 2.0. */
function content(document: Document): string {
  return JSON.stringify(document.nodes.map(contentOf));
}

function contentOf(node: Document['nodes'][number]): unknown {
  return [
    node.getTag(),
    node.getName(),
    node.entries.map((entry) => {
      const value = entry.getValue();
      const said = typeof value === 'string' ? value.replaceAll('\r\n', '\n') : [String(value)];
      return [entry.getName(), entry.getTag(), said];
    }),
    node.children?.nodes.map(contentOf) ?? null,
  ];
}

function comments(text: string, version: 1 | 2): string {
  const kept = tokensOf(text, version).filter(({ kind }) => kind === 'comment' || kind === 'block-comment');
  return JSON.stringify(kept.map(({ text: written }) => written));
}
