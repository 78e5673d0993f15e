/** A range of the file. Lines and columns count from 1; columns count UTF-16 code units; the end is exclusive. */
export interface Span {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
}

/** From start to end offsets of the file to a span. */
export type SpanMaker = (start: number, end: number) => Span;

export interface Diagnostic extends Span {
  /** The path as the caller named it. */
  file: string;
  severity: 'error' | 'warning';
  /** Stable, kebab-case: `unknown-word`, `duplicate-word`, … Listed by the language that has it. */
  code: string;
  message: string;
  /** What would be right. */
  hint?: string;
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
