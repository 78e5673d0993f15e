import { crossCheck } from './cross-check.js';
import type { Diagnostic, Span, SpanMaker } from './diagnostic.js';
import { DiagnosticSink, quote } from './diagnostic-sink.js';
import type { FileKind } from './file-kind.js';
import { LineIndex } from './line-index.js';
import { isKdlOne, type LocatedNode, readLocatedTree } from './located-tree.js';
import { TextScanner } from './scan-text.js';
import { tooLarge } from './text-files.js';

const start: Span = { line: 1, column: 1, endLine: 1, endColumn: 1 };

/**
 * Reads a file of one of our languages: the text as KDL, then its meaning by `understand`, and then, if there is no
 * error, asks a second reader whether it sees the same. Never throws. `meaning` is there only if there is no error.
 */
export function readDocument<Meaning, Code extends string>(
  text: string,
  { file, kind }: { file: string; kind: FileKind },
  understand: (document: LocatedNode[], lines: SpanMaker, sink: DiagnosticSink<Code>) => Meaning | undefined,
): { meaning?: Meaning; diagnostics: Diagnostic[] } {
  const sink = new DiagnosticSink<Code>(file);
  try {
    const meaning = read(text, file, kind, understand, sink);
    const diagnostics = sink.result();
    return meaning === undefined || sink.hasErrors ? { diagnostics } : { meaning, diagnostics };
  } catch (thrown) {
    sink.error(
      start,
      'parse-failed',
      `the parser failed: ${quote(String(thrown))}`,
      'Please report it, with the file.',
    );
    return { diagnostics: sink.result() };
  }
}

function read<Meaning, Code extends string>(
  text: string,
  file: string,
  kind: FileKind,
  understand: (document: LocatedNode[], lines: SpanMaker, sink: DiagnosticSink<Code>) => Meaning | undefined,
  sink: DiagnosticSink<Code>,
): Meaning | undefined {
  const large = tooLarge(file, Buffer.byteLength(text), kind);
  if (large !== undefined) {
    sink.error(large, 'file-too-large', large.message, large.hint ?? '');
    return undefined;
  }
  const lines = new LineIndex(text);
  const kdlTwo = new DiagnosticSink(file);
  const scanned = new TextScanner(text, lines, kind, kdlTwo).scan();
  const tree = scanned ? readLocatedTree(text, lines, kind, kdlTwo) : undefined;
  const asksForOne = /^\ufeff?\s*\/-\s*kdl-version\s+1\b/.test(text);
  if (tree === undefined || asksForOne) {
    reportSyntax(text, kind, kdlTwo, asksForOne, sink);
    return undefined;
  }
  // Places refused while the tree was built: type annotations, NUL, too many values.
  sink.adopt(kdlTwo);
  const meaning = understand(tree, (from, to) => lines.span(from, to), sink);
  if (!sink.hasErrors) crossCheck(text, tree, sink);
  return meaning;
}

function reportSyntax(
  text: string,
  kind: FileKind,
  kdlTwo: DiagnosticSink,
  asksForOne: boolean,
  sink: DiagnosticSink,
): void {
  const diagnostics = kdlTwo.result();
  const [first] = diagnostics;
  // A line that begins with # is someone's comment, though 1.0 would take it for a node.
  const tryOne = diagnostics.every((diagnostic) => diagnostic.code === 'syntax') && !/^[ \t]*#[\s#!]/m.test(text);
  if (asksForOne || (tryOne && isKdlOne(text))) {
    const found = first === undefined ? 'it says so itself' : `here, ${first.message}`;
    sink.error(
      first ?? start,
      'kdl-1',
      `this is KDL 1.0, and ${kind.many} are KDL 2.0: ${found}`,
      [
        ...(kind.upgradeHint === undefined ? [] : [kind.upgradeHint]),
        'In 2.0: no line ends inside "…" (use """), raw strings are #"…"#, and true, false and null are written #true, #false, #null.',
      ].join(' '),
    );
    return;
  }
  sink.adopt(kdlTwo);
}
