import { crossCheck } from './cross-check.js';
import { DiagnosticSink, quote } from './diagnostic-sink.js';
import { LineIndex } from './line-index.js';
import { isKdlOne, readLocatedTree } from './located-tree.js';
import { readWorkflow } from './read-workflow.js';
import { TextScanner } from './scan-text.js';
import type { ParseResult, Span } from './workflow.js';
import { tooLarge } from './workflow-files.js';

export interface ParseOptions {
  /** The path as messages should have it. */
  file: string;
}

const start: Span = { line: 1, column: 1, endLine: 1, endColumn: 1 };

/**
 * One workflow file, understood or told what is wrong with it. Never throws. Takes a second or so for the worst text
 * within the limits; where even that is too long, see parseWorkflowsInWorker.
 */
export function parseWorkflow(text: string, options: ParseOptions): ParseResult {
  const sink = new DiagnosticSink(options.file);
  try {
    const workflow = understand(text, options.file, sink);
    const diagnostics = sink.result();
    return workflow === undefined || sink.hasErrors ? { diagnostics } : { workflow, diagnostics };
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

function understand(text: string, file: string, sink: DiagnosticSink): ReturnType<typeof readWorkflow> {
  const large = tooLarge(file, Buffer.byteLength(text));
  if (large !== undefined) {
    sink.error(large, 'file-too-large', large.message, large.hint ?? '');
    return undefined;
  }
  const lines = new LineIndex(text);
  const kdlTwo = new DiagnosticSink(file);
  const scanned = new TextScanner(text, lines, kdlTwo).scan();
  const tree = scanned ? readLocatedTree(text, lines, kdlTwo) : undefined;
  const asksForOne = /^\ufeff?\s*\/-\s*kdl-version\s+1\b/.test(text);
  if (tree === undefined || asksForOne) {
    reportSyntax(text, kdlTwo, asksForOne, sink);
    return undefined;
  }
  // Places refused while the tree was built: type annotations, NUL, too many values.
  sink.adopt(kdlTwo);
  const workflow = readWorkflow(file, tree, (from, to) => lines.span(from, to), sink);
  if (!sink.hasErrors) crossCheck(text, tree, sink);
  return workflow;
}

function reportSyntax(text: string, kdlTwo: DiagnosticSink, asksForOne: boolean, sink: DiagnosticSink): void {
  const diagnostics = kdlTwo.result();
  const [first] = diagnostics;
  // A line that begins with # is someone's comment, though 1.0 would take it for a node.
  const tryOne = diagnostics.every((diagnostic) => diagnostic.code === 'syntax') && !/^[ \t]*#[\s#!]/m.test(text);
  if (asksForOne || (tryOne && isKdlOne(text))) {
    const found = first === undefined ? 'it says so itself' : `here, ${first.message}`;
    sink.error(
      first ?? start,
      'kdl-1',
      `this is KDL 1.0, and workflows are KDL 2.0: ${found}`,
      'In 2.0: no line ends inside "…" (use """), raw strings are #"…"#, and true, false and null are written #true, #false, #null.',
    );
    return;
  }
  sink.adopt(kdlTwo);
}
