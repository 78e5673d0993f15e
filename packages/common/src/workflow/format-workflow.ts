import { atStart, type Diagnostic, formatDocument, hasErrors, upgradeDocument } from '../kdl/index.js';
import type { DiagnosticCode } from './diagnostic-codes.js';
import { parseWorkflow } from './parse-workflow.js';
import { workflowLanguage } from './words.js';
import type { ParseResult } from './workflow.js';

export interface FormatWorkflowOptions {
  /** The path as messages should have it. */
  file: string;
  /** Write a file of KDL 1.0 as KDL 2.0. */
  upgrade: boolean;
}

/**
 * A workflow file in the form of the documentation, or why it is left as it is. What it means is the same: it is read
 * again to be sure. Mistakes in its words are no reason to leave it; what is not KDL 2.0 is. Never throws.
 */
export function formatWorkflow(
  text: string,
  { file, upgrade }: FormatWorkflowOptions,
): { text: string } | { diagnostics: Diagnostic[] } {
  const given = parseWorkflow(text, { file });
  const isKdlOne = given.diagnostics.some(({ code }) => code === 'kdl-1');
  const source = isKdlOne && upgrade ? upgradeDocument(text) : text;
  if (source === undefined) return { diagnostics: given.diagnostics };
  const before = source === text ? given : parseWorkflow(source, { file });
  try {
    const formatted = isKdlOne && !upgrade ? undefined : formatDocument(source, workflowLanguage);
    if (formatted === undefined) return { diagnostics: before.diagnostics };
    if (meaning(parseWorkflow(formatted, { file })) !== meaning(before)) {
      throw new Error('after formatting it would mean something else');
    }
    return { text: formatted };
  } catch (thrown) {
    // Where two readers disagree, for one; or the first took more of the text for a value than it should have.
    if (hasErrors(before.diagnostics)) return { diagnostics: before.diagnostics };
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const problem = atStart<DiagnosticCode>(
      file,
      'parse-failed',
      `this is left as it is: ${reason}`,
      'Please report it, with the file.',
    );
    return { diagnostics: [problem] };
  }
}

/** What a workflow says, or what is wrong with it, wherever that stands. */
function meaning({ workflow, diagnostics }: ParseResult): string {
  const codes = diagnostics.map(({ severity, code }) => [severity, code]);
  return JSON.stringify([workflow, codes], (_, value: unknown) => (isSpan(value) ? undefined : value));
}

function isSpan(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['line', 'column', 'endLine', 'endColumn'].every(
      (key) => typeof (value as Record<string, unknown>)[key] === 'number',
    )
  );
}
