import type { Diagnostic } from './diagnostic.js';

/**
 * Diagnostics as the commands that make annotations in a workflow of GitHub Actions (and Forgejo Actions), one a line.
 * `shown` gives the path of a file from the root of its repository.
 */
export function githubCommands(
  diagnostics: readonly Diagnostic[],
  shown: (file: string) => string = (file) => file,
): string {
  return diagnostics
    .map(({ file, line, column, endLine, endColumn, severity, code, message, hint = '' }) => {
      const properties = {
        file: shown(file),
        line,
        endLine,
        // Theirs are columns of one line; what goes over several is refused if it has any.
        ...(endLine === line ? { col: column, endColumn } : {}),
        title: code,
      };
      const written = Object.entries(properties).map(([name, value]) => `${name}=${escapedProperty(String(value))}`);
      return `::${severity} ${written.join(',')}::${escaped(hint === '' ? message : `${message}\n${hint}`)}\n`;
    })
    .join('');
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapedProperty(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
