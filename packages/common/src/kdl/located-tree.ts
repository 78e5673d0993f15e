import { type Document, getLocation, InvalidKdlError, parse } from '@bgotink/kdl';
import { parse as parseKdlOne } from '@bgotink/kdl/v1-compat';
import type { Span } from './diagnostic.js';
import type { DiagnosticSink } from './diagnostic-sink.js';
import type { FileKind } from './file-kind.js';
import { kdlLimits } from './limits.js';
import type { LineIndex } from './line-index.js';

/** A KDL document with the place of everything in it, duplicate properties included. */
export interface LocatedNode {
  name: string;
  /** Of the name alone. */
  nameSpan: Span;
  /** From the name to the last value before the block. */
  headSpan: Span;
  arguments: LocatedValue[];
  properties: LocatedProperty[];
  /** Undefined: no block was written. */
  children: LocatedNode[] | undefined;
}

export interface LocatedValue {
  value: string | number | boolean | null;
  span: Span;
  /** As it stands in the file, quotes included. */
  source: string;
  /** Where `source` begins in the text, in UTF-16 code units. */
  offset: number;
}

export interface LocatedProperty {
  name: string;
  nameSpan: Span;
  value: LocatedValue;
}

/** Undefined when the text is not KDL 2.0: then the sink says why. */
export function readLocatedTree(
  text: string,
  lines: LineIndex,
  kind: FileKind,
  sink: DiagnosticSink,
): LocatedNode[] | undefined {
  let document: Document;
  try {
    document = parse(text, { storeLocations: true });
  } catch (thrown) {
    reportSyntax(text, thrown, lines, kind, sink);
    return undefined;
  }
  const builder = new Builder(text, lines, kind, sink);
  return builder.nodes(document);
}

/** Would a reader of KDL 1.0 have taken it? It is a lenient one, so ask only about what is wrong as 2.0. */
export function isKdlOne(text: string): boolean {
  try {
    parseKdlOne(text);
    return true;
  } catch {
    return false;
  }
}

function reportSyntax(text: string, thrown: unknown, lines: LineIndex, kind: FileKind, sink: DiagnosticSink): void {
  const details = thrown instanceof InvalidKdlError ? [...thrown.flat()] : [];
  if (details.length === 0) {
    sink.error(lines.span(0, 0), 'syntax', 'the text could not be read as KDL', 'Simplify it until it can.');
  }
  const seen = new Set<number>();
  for (const detail of details) {
    let start = detail.start?.offset ?? text.length;
    let end = Math.max(detail.end?.offset ?? start, start + 1);
    const keyword = /Invalid keyword "([^"]+)"/.exec(detail.message)?.[1];
    if (keyword !== undefined) {
      // The reader points at what follows it.
      start = Math.max(0, text.lastIndexOf(keyword, start));
      end = start + keyword.length;
    }
    // For r#"…"# it points one character before.
    if (/^[^r]r#/.test(text.slice(start, start + 3))) start += 1;
    // The reader stumbles on: only the first complaint about a place is worth reading.
    if (seen.has(start) || sink.isFull) continue;
    seen.add(start);
    const { message, hint } =
      runTogether(text.slice(0, start), detail.message) ??
      inOurWords(text.slice(start, start + 40), detail.message, keyword, kind);
    sink.error(lines.span(start, Math.min(end, text.length)), 'syntax', message, hint);
  }
}

/** Of what stands where the node before it has not ended, the reader says only that the block around it is no good. */
function runTogether(before: string, original: string): { message: string; hint: string } | undefined {
  if (/\}[ \t]*$/.test(before) && /^(?:Invalid node children|Unexpected token)/.test(original)) {
    return {
      message: 'after a "}" something new begins, and nothing ends what was before',
      hint: 'Begin a new line here, or write ";" before it; properties stand before the "{".',
    };
  }
  if (!original.startsWith('Invalid node children')) return undefined;
  return {
    message: 'this is neither a value nor a property, and nothing new can begin here',
    hint: 'Values have spaces between them; what begins with a digit and is no number stands in quotes.',
  };
}

function inOurWords(
  found: string,
  original: string,
  keyword: string | undefined,
  kind: FileKind,
): { message: string; hint: string } {
  const plain = original.replace(/ at (?:\d+:\d+|end of input)$/, '');
  const [first = plain, ...rest] = plain.split(/, (?=did you|add |surround|use |write |keywords )/);
  const message = first.charAt(0).toLowerCase() + first.slice(1);
  if (/^#+(?:[\s#]|$)/.test(found))
    return { message: '"#" begins no comment in KDL', hint: 'Comments begin with "//".' };
  if (/^r#+"/.test(found)) {
    return { message: 'r#"…"# is a raw string of KDL 1.0', hint: 'In KDL 2.0 it is #"…"#, without the r.' };
  }
  if (/^=\s/.test(found) || found === '=') {
    return { message: '"=" without a name before it', hint: 'A property is name="value".' };
  }
  if (found.startsWith('['))
    return { message: 'there are no lists in brackets', hint: `Write several values: ${kind.listExample}.` };
  if (keyword !== undefined) {
    return {
      message: `"${keyword}" without quotes is a keyword of KDL 1.0`,
      hint: 'Put it in quotes if it is a text.',
    };
  }
  return {
    message,
    hint:
      rest.length > 0
        ? `${rest.join(', ')}.`.replace(/^./, (c) => c.toUpperCase()).replace(/\?\.$/, '?')
        : `${kind.page} shows how it is written.`,
  };
}

class Builder {
  constructor(
    private readonly text: string,
    private readonly lines: LineIndex,
    private readonly kind: FileKind,
    private readonly sink: DiagnosticSink,
  ) {}

  nodes(document: Document): LocatedNode[] {
    return document.nodes.map((node) => {
      const nameSpan = this.span(node.name);
      const located: LocatedNode = {
        name: node.name.name,
        nameSpan,
        headSpan: nameSpan,
        arguments: [],
        properties: [],
        children: undefined,
      };
      if (node.tag !== null) this.refuseTag(this.span(node.tag));
      for (const entry of node.entries) {
        const location = getLocation(entry.value);
        const start = location?.start.offset ?? 0;
        const end = endOf(entry.value.value, this.text, start, location?.end.offset ?? start);
        const value: LocatedValue = {
          value: entry.value.value,
          span: this.lines.span(start, end),
          source: this.text.slice(start, end),
          offset: start,
        };
        if (entry.value.tag !== null) this.refuseTag(this.span(entry.value.tag));
        if (typeof value.value === 'string' && value.value.includes('\0')) {
          this.sink.error(value.span, 'bad-character', 'there is a NUL character in this text', 'Take it out.');
        }
        if (entry.name === null) located.arguments.push(value);
        else located.properties.push({ name: entry.name.name, nameSpan: this.span(entry.name), value });
        located.headSpan = { ...nameSpan, endLine: value.span.endLine, endColumn: value.span.endColumn };
      }
      if (node.entries.length > kdlLimits.entriesPerNode) {
        this.sink.error(
          nameSpan,
          'too-many-values',
          `this has more than ${kdlLimits.entriesPerNode} values`,
          this.kind.tooManyValuesHint,
        );
      }
      if (node.children !== null) located.children = this.nodes(node.children);
      return located;
    });
  }

  private span(element: Parameters<typeof getLocation>[0]): Span {
    const location = getLocation(element);
    return this.lines.span(location?.start.offset ?? 0, location?.end.offset ?? 0);
  }

  private refuseTag(span: Span): void {
    this.sink.error(span, 'type-annotation', 'type annotations mean nothing here', 'Take the part in parentheses out.');
  }
}

/** Of a number with a base of its own, the reader takes a ";" that follows, and what stands after it, for a part. */
function endOf(value: unknown, text: string, start: number, end: number): number {
  if (typeof value !== 'number') return end;
  const semicolon = text.slice(start, end).indexOf(';');
  return semicolon < 0 ? end : start + semicolon;
}
