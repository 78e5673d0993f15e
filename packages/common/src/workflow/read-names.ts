import { quote, type SpanMaker, type Text } from '../kdl/index.js';
import type { WorkflowSink } from './diagnostic-codes.js';
import { noExpressions } from './no-expressions.js';
import { type EarlyPlace, noteOpen, type OpenText } from './open-texts.js';

/** One line, visible, not endless. Undefined when it was reported. */
export function checkedName(
  text: Text | undefined,
  what: string,
  lines: SpanMaker,
  sink: WorkflowSink,
): string | undefined {
  const name = noExpressions(text, what, lines, sink);
  return name === undefined || !isGoodName(name, what, 100, sink) ? undefined : name.text;
}

/** The same, of what may have `${…}` in it: written, it may be longer than what comes of it. */
export function openName(
  text: Text | undefined,
  what: string,
  open: OpenText[],
  sink: WorkflowSink,
  early: EarlyPlace = 'name',
): string | undefined {
  if (text === undefined) return undefined;
  const most = noteOpen(text, open, early) ? 500 : 100;
  return isGoodName(text, what, most, sink) ? text.text : undefined;
}

function isGoodName({ text, value }: Text, what: string, most: number, sink: WorkflowSink): boolean {
  if (text.trim() !== '' && text.length <= most && !/[\p{Cc}\u2028\u2029]/u.test(text)) return true;
  const hint = 'A name is one line of 1 to 100 characters.';
  sink.error(value.span, 'bad-name', `${quote(text)} is no good as ${what}`, hint);
  return false;
}

export function isId(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/.test(text);
}

/** The nearest good id, for a hint. */
export function slug(text: string, otherwise = 'build'): string {
  const made = text
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return made === '' ? otherwise : made;
}

const pathPattern = /^(?!\/)(?!~)[^\p{Cc}\\]+$/u;

/** A file of the checkout: relative, inside it. */
export function checkedPath(
  text: Text | undefined,
  what: string,
  lines: SpanMaker,
  sink: WorkflowSink,
): string | undefined {
  const path = noExpressions(text, what, lines, sink);
  if (path === undefined) return undefined;
  if (path.open) return path.text;
  if (
    !pathPattern.test(path.text) ||
    path.text.split('/').includes('..') ||
    path.text.endsWith('/') ||
    path.text.length > 500
  ) {
    sink.error(
      path.value.span,
      'bad-path',
      `${quote(path.text)} is no good as ${what}`,
      'Name a file of the repository, from its root: "ci/setup.sh".',
    );
    return undefined;
  }
  return path.text;
}
