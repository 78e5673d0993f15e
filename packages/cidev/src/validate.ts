import {
  type Diagnostic,
  diagnosticCodes,
  formatDiagnostics,
  githubCommands,
  hasErrors,
  sarifLog,
} from '@solstice/common/workflow';
import type { ExitCode, Io } from './io.js';
import { readWorkflows } from './read-workflows.js';
import { version } from './version.js';
import { findWorkflowFiles, pathInRepository } from './workflow-paths.js';

export const validateFormats = ['human', 'json', 'sarif', 'github'] as const;
export type ValidateFormat = (typeof validateFormats)[number];

export function validate(paths: readonly string[], format: ValidateFormat, io: Io): ExitCode {
  const { files, diagnostics, sources } = readWorkflows(findWorkflowFiles(paths, io.cwd), io.cwd);
  const inRepository = pathInRepository(io.cwd);
  switch (format) {
    case 'json':
      io.out(`${JSON.stringify(diagnostics.map(published), null, 2)}\n`);
      break;
    case 'sarif': {
      const tool = { name: 'cidev', version: version(), codes: diagnosticCodes };
      io.out(`${JSON.stringify(sarifLog(diagnostics, tool, inRepository), null, 2)}\n`);
      break;
    }
    case 'github':
      io.out(`${githubCommands(diagnostics, inRepository)}${summary(files.length, diagnostics)}\n`);
      break;
    default: {
      const told = formatDiagnostics(diagnostics, sources, { color: io.color.out });
      if (told !== '') io.out(`${told}\n`);
      io.out(`${summary(files.length, diagnostics)}\n`);
    }
  }
  return hasErrors(diagnostics) ? 1 : 0;
}

/** Exactly the keys that are promised, in their order. */
function published(diagnostic: Diagnostic): Required<Diagnostic> {
  const { file, line, column, endLine, endColumn, severity, code, message, hint = '' } = diagnostic;
  return { file, line, column, endLine, endColumn, severity, code, message, hint };
}

export function summary(files: number, diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Diagnostic['severity']): number =>
    diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const checked = counted(files, 'workflow file');
  if (errors === 0 && warnings === 0) return `${checked} checked, nothing wrong`;
  const found = [errors > 0 ? counted(errors, 'error') : '', warnings > 0 ? counted(warnings, 'warning') : ''];
  const unbuilt = errors === 0 && diagnostics.some((diagnostic) => diagnostic.code === 'not-available-yet');
  return `${checked} checked: ${found.filter((part) => part !== '').join(', ')}${
    unbuilt ? '; this version of Solstice will refuse what is not available yet' : ''
  }`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
