import { readDocument } from '../kdl/index.js';
import type { DiagnosticCode } from './diagnostic-codes.js';
import { readWorkflow } from './read-workflow.js';
import { workflowLanguage } from './words.js';
import type { ParseResult, Workflow } from './workflow.js';

export interface ParseOptions {
  /** The path as messages should have it. */
  file: string;
}

/**
 * One workflow file, understood or told what is wrong with it. Never throws. Takes a second or so for the worst text
 * within the limits; where even that is too long, see parseWorkflowsInWorker.
 */
export function parseWorkflow(text: string, { file }: ParseOptions): ParseResult {
  const { meaning, diagnostics } = readDocument<Workflow, DiagnosticCode>(
    text,
    { file, kind: workflowLanguage.kind },
    (document, lines, sink) => readWorkflow(file, document, lines, sink),
  );
  return meaning === undefined ? { diagnostics } : { workflow: meaning, diagnostics };
}
