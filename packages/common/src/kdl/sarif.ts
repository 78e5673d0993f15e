import type { Diagnostic } from './diagnostic.js';

export interface SarifTool {
  name: string;
  version: string;
  /** What each code means. */
  codes: Readonly<Record<string, string>>;
}

/**
 * Diagnostics as a SARIF 2.1.0 log, for code scanning and editors. `shown` gives the path of a file from the root of its
 * repository, with forward slashes. Lines, columns and their exclusive end are counted there as they are here.
 */
export function sarifLog(
  diagnostics: readonly Diagnostic[],
  tool: SarifTool,
  shown: (file: string) => string = (file) => file,
) {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: tool.name,
            version: tool.version,
            rules: codes.map((id) => ({ id, shortDescription: { text: tool.codes[id] ?? id } })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: diagnostics.map(({ file, line, column, endLine, endColumn, severity, code, message, hint = '' }) => ({
          ruleId: code,
          ruleIndex: codes.indexOf(code),
          level: severity,
          message: { text: hint === '' ? message : `${message}\n${hint}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: asUri(shown(file)), uriBaseId: '%SRCROOT%' },
                region: { startLine: line, startColumn: column, endLine, endColumn },
              },
            },
          ],
        })),
      },
    ],
  };
}

/** A relative reference: a colon in its first part would make a scheme of it. */
function asUri(path: string): string {
  return path
    .split('/')
    .map((part) => encodeURIComponent(part))
    .join('/');
}
