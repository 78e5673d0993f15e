import type { DiagnosticCode } from './diagnostic-codes.js';
import { quote } from './diagnostic-sink.js';
import { workflowLimits } from './limits.js';
import type { Diagnostic, Workflow } from './workflow.js';

/** Is this path of a repository, from its root, one that Solstice reads? */
export function looksLikeWorkflowPath(path: string): boolean {
  return /^\.solstice\/[^/]+\.kdl$/.test(path);
}

/** What to say of a file of so many bytes, so that it need not be read; undefined: it may be read. */
export function tooLarge(file: string, bytes: number): Diagnostic | undefined {
  if (bytes <= workflowLimits.fileBytes) return undefined;
  const most = workflowLimits.fileBytes / 1024;
  return atStart(
    file,
    'file-too-large',
    `the file has ${Math.ceil(bytes / 1024)} KiB, and ${most} KiB is the most`,
    'Move scripts into files of their own.',
  );
}

/** The text of a file, or what to say if it is none. */
export function decodeWorkflow(
  bytes: Uint8Array,
  options: { file: string },
): { text: string } | { diagnostic: Diagnostic } {
  const large = tooLarge(options.file, bytes.length);
  if (large !== undefined) return { diagnostic: large };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return {
      diagnostic: atStart(options.file, 'not-utf8', 'the file is not UTF-8 text', 'Save it as UTF-8.'),
    };
  }
}

/** What is wrong between the files of one commit: two workflows of one name would overwrite each other's check. */
export function checkTogether(workflows: readonly Workflow[]): Diagnostic[] {
  const first = new Map<string, Workflow>();
  const diagnostics: Diagnostic[] = [];
  for (const workflow of workflows) {
    const earlier = first.get(workflow.name);
    if (earlier === undefined) {
      first.set(workflow.name, workflow);
      continue;
    }
    diagnostics.push({
      ...atStart(
        workflow.file,
        'duplicate-workflow-name',
        `there is a workflow ${quote(workflow.name)} already, in ${earlier.file}`,
        'Their checks would overwrite each other; give one of them another name.',
      ),
      ...workflow.nameSpan,
    });
  }
  return diagnostics;
}

/** The files of one commit beyond the limit, one diagnostic each. */
export function tooManyFiles(files: readonly string[]): Diagnostic[] {
  const most = workflowLimits.filesPerCommit;
  return files
    .slice(most)
    .map((file) =>
      atStart(
        file,
        'too-many-files',
        `a commit may have ${most} workflow files, and it has ${files.length}`,
        'Put some together.',
      ),
    );
}

export function atStart(file: string, code: DiagnosticCode, message: string, hint: string): Diagnostic {
  return { file, line: 1, column: 1, endLine: 1, endColumn: 1, severity: 'error', code, message, hint };
}
