import { type Node as KdljsNode, parse } from 'kdljs';
import type { Span } from './diagnostic.js';
import { type DiagnosticSink, quote } from './diagnostic-sink.js';
import type { LocatedNode, LocatedValue } from './located-tree.js';

const hint = 'Write it more plainly, for instance the character itself in place of an escape.';

/**
 * Asks kdljs, which decides what a document means, and refuses the file where it understands another value than the
 * located tree does: what was checked with positions must be what runs. Called last, on a tree without errors.
 */
export function crossCheck(text: string, tree: LocatedNode[], sink: DiagnosticSink): void {
  const start: Span = { line: 1, column: 1, endLine: 1, endColumn: 1 };
  let output: KdljsNode[] | undefined;
  let problem: string | undefined;
  try {
    const parsed = parse(text);
    output = parsed.output;
    const [first] = parsed.errors;
    if (first !== undefined) {
      const { startLine, startColumn } = first.token;
      problem = first.message;
      if (Number.isInteger(startLine) && Number.isInteger(startColumn)) {
        start.line = start.endLine = startLine ?? 1;
        start.column = startColumn ?? 1;
        start.endColumn = start.column + 1;
      }
    }
  } catch (thrown) {
    problem = thrown instanceof Error ? thrown.message : String(thrown);
  }
  if (problem !== undefined || output === undefined) {
    sink.error(
      start,
      'readers-disagree',
      `one of two KDL readers refuses this: ${quote(problem ?? 'no document')}`,
      hint,
    );
    return;
  }
  compareNodes(tree, output, start, sink);
}

function compareNodes(ours: LocatedNode[], theirs: KdljsNode[], parent: Span, sink: DiagnosticSink): void {
  if (ours.length !== theirs.length) {
    disagree(parent, `${ours.length} or ${theirs.length} nodes`, sink);
    return;
  }
  for (const [index, node] of ours.entries()) {
    const other = theirs[index];
    if (other === undefined) return;
    if (other.name !== node.name) disagree(node.nameSpan, `${quote(node.name)} or ${quote(other.name)}`, sink);
    if (node.arguments.length !== other.values.length) {
      disagree(node.headSpan, `${node.arguments.length} or ${other.values.length} arguments`, sink);
    }
    for (const [position, value] of node.arguments.entries()) compareValues(value, other.values[position], sink);
    // Own keys only: a property named __proto__ is none in kdljs's plain object.
    const properties = new Map(node.properties.map((property) => [property.name, property.value]));
    if (properties.size !== Object.keys(other.properties).length) disagree(node.headSpan, 'properties', sink);
    for (const [name, value] of properties) {
      compareValues(value, Object.hasOwn(other.properties, name) ? other.properties[name] : undefined, sink);
    }
    compareNodes(node.children ?? [], other.children, node.headSpan, sink);
  }
}

function compareValues(ours: LocatedValue, theirs: unknown, sink: DiagnosticSink): void {
  if (!Object.is(ours.value, theirs)) {
    disagree(
      ours.span,
      `${quote(String(ours.value))} or ${theirs === undefined ? 'nothing' : quote(String(theirs))}`,
      sink,
    );
  }
}

function disagree(span: Span, what: string, sink: DiagnosticSink): void {
  sink.error(span, 'readers-disagree', `two KDL readers understand this differently: ${what}`, hint);
}
