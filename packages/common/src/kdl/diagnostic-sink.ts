import type { Diagnostic, Span } from './diagnostic.js';
import type { KdlCode } from './diagnostic-codes.js';
import { kdlLimits } from './limits.js';

/**
 * Collects what is wrong with one file, up to the limit, and hands it back in order of position. `Code`: what the file's
 * own language can have besides the codes that all have.
 */
export class DiagnosticSink<Code extends string = never> {
  private readonly kept: Diagnostic[] = [];
  private dropped = 0;
  private errors = 0;

  constructor(private readonly file: string) {}

  get hasErrors(): boolean {
    return this.errors > 0;
  }

  /** True when more would only be counted: what is dear to find need not be looked for. */
  get isFull(): boolean {
    return this.kept.length >= kdlLimits.diagnosticsPerFile;
  }

  error(span: Span, code: Code | KdlCode, message: string, hint: string): void {
    this.errors += 1;
    this.add({ file: this.file, ...pick(span), severity: 'error', code, message, hint });
  }

  warning(span: Span, code: Code | KdlCode, message: string, hint: string): void {
    this.add({ file: this.file, ...pick(span), severity: 'warning', code, message, hint });
  }

  /** Takes over all that another sink of the same file has. */
  adopt(other: DiagnosticSink<Code>): void {
    this.errors += other.errors;
    this.dropped += other.dropped;
    for (const diagnostic of other.kept) this.add(diagnostic);
  }

  result(): Diagnostic[] {
    const ordered = [...this.kept].sort((a, b) => a.line - b.line || a.column - b.column);
    const last = ordered.at(-1);
    if (this.dropped > 0 && last !== undefined) {
      last.hint = `${last.hint ?? ''} (${this.dropped} more not shown)`.trim();
    }
    return ordered;
  }

  private add(written: Diagnostic): void {
    const diagnostic = { ...written, message: cut(written.message), hint: cut(written.hint ?? '') };
    if (!this.isFull) {
      this.kept.push(diagnostic);
      return;
    }
    this.dropped += 1;
    // An error must be seen, however many warnings came before it.
    const last = this.kept.at(-1);
    if (diagnostic.severity === 'error' && last?.severity === 'warning') this.kept[this.kept.length - 1] = diagnostic;
  }
}

/** A library's message may quote the whole file. */
function cut(text: string): string {
  return text.length > 300 ? `${text.slice(0, 299)}…` : text;
}

function pick({ line, column, endLine, endColumn }: Span): Span {
  return { line, column, endLine, endColumn };
}

/** A piece of the file inside a message: one line, cut, and nothing in it that a terminal would obey. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 57)}…` : text;
  return `"${short.replace(/[\p{Cc}\p{Cf}\u2028\u2029\p{Cs}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)}"`;
}
