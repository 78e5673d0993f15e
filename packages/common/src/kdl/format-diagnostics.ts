import type { Diagnostic } from './diagnostic.js';

export type Sources = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

export interface FormatOptions {
  /** ANSI colours, for a terminal. */
  color: boolean;
}

/** How much of a long line is shown. */
const widest = 120;

/**
 * For people: place, severity, message and code; the line with a caret under the span; the hint. Ends with a newline
 * unless there is nothing to say. Control characters of the file are made visible, so that no file commands a terminal.
 */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: Sources,
  options: FormatOptions,
): string {
  const paint = options.color ? painted : plain;
  const lines = new Map<string, string[]>();
  return diagnostics
    .map((diagnostic) => {
      const { file } = diagnostic;
      let fileLines = lines.get(file);
      if (fileLines === undefined) {
        fileLines = sourceOf(sources, file)?.split(/\r\n|\n|\r/) ?? [];
        lines.set(file, fileLines);
      }
      return one(diagnostic, fileLines[diagnostic.line - 1], paint);
    })
    .join('\n');
}

function sourceOf(sources: Sources, file: string): string | undefined {
  if (sources instanceof Map) return sources.get(file);
  return Object.hasOwn(sources, file) ? (sources as Record<string, string>)[file] : undefined;
}

interface Paint {
  error(text: string): string;
  warning(text: string): string;
  strong(text: string): string;
  faint(text: string): string;
}

const plain: Paint = { error: (t) => t, warning: (t) => t, strong: (t) => t, faint: (t) => t };
const painted: Paint = {
  error: (t) => `\u001b[31m${t}\u001b[39m`,
  warning: (t) => `\u001b[33m${t}\u001b[39m`,
  strong: (t) => `\u001b[1m${t}\u001b[22m`,
  faint: (t) => `\u001b[2m${t}\u001b[22m`,
};

function one(diagnostic: Diagnostic, line: string | undefined, paint: Paint): string {
  const { severity } = diagnostic;
  const mark = severity === 'error' ? paint.error : paint.warning;
  const place = visible(`${diagnostic.file}:${diagnostic.line}:${diagnostic.column}`);
  const parts = [
    `${paint.strong(place)}: ${mark(severity)}: ${visible(diagnostic.message)} ${paint.faint(`[${diagnostic.code}]`)}`,
  ];
  if (line !== undefined && line.trim() !== '') {
    const number = String(diagnostic.line);
    const { shown, before, carets } = excerpt(line, diagnostic);
    parts.push(`${paint.faint(`  ${number} |`)} ${shown}`);
    parts.push(`${paint.faint(`  ${' '.repeat(number.length)} |`)} ${before}${mark('^'.repeat(carets))}`);
  }
  if (diagnostic.hint !== undefined && diagnostic.hint !== '')
    parts.push(`  ${paint.strong('hint')}: ${visible(diagnostic.hint)}`);
  return `${parts.join('\n')}\n`;
}

/** The line, cut around the span if it is long, and the space before the caret, as wide on a screen as what it stands under. */
function excerpt(line: string, { column, line: first, endLine, endColumn }: Diagnostic) {
  const start = Math.min(column - 1, line.length);
  const end = Math.min(endLine > first ? line.length : Math.max(endColumn - 1, start + 1), line.length);
  const from = start > widest - 40 ? start - 40 : 0;
  const to = Math.min(line.length, from + widest);
  const lead = from > 0 ? '…' : '';
  const before = visible(line.slice(from, start));
  const under = visible(line.slice(start, Math.min(end, to)));
  return {
    shown: `${lead}${visible(line.slice(from, to))}${to < line.length ? '…' : ''}`,
    before: `${lead && ' '}${[...before].map((character) => (character === '\t' ? '\t' : ' '.repeat(width(character)))).join('')}`,
    carets: Math.max(
      1,
      [...under].reduce((sum, character) => sum + width(character), 0),
    ),
  };
}

/** Tabs stay: the line below has them too. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => (character === '\t' ? character : '\u00b7'));
}

/** Columns of a terminal that a character takes; near enough for a caret. */
function width(character: string): number {
  if (/\p{Mn}|\p{Me}/u.test(character)) return 0;
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    character,
  )
    ? 2
    : 1;
}
