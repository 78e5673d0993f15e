import { atStart, type Diagnostic, decodeText, quote, tooLarge as tooLargeFile } from '../kdl/index.js';
import type { DiagnosticCode } from './diagnostic-codes.js';
import { workflowLimits } from './limits.js';
import { workflowLanguage } from './words.js';
import type { Workflow } from './workflow.js';

/** Is this path of a repository, from its root, one that Solstice reads? */
export function looksLikeWorkflowPath(path: string): boolean {
  return /^\.solstice\/[^/]+\.kdl$/.test(path);
}

/** The text of a file, or what to say if it is none. */
export function decodeWorkflow(
  bytes: Uint8Array,
  { file }: { file: string },
): { text: string } | { diagnostic: Diagnostic } {
  return decodeText(bytes, { file, kind: workflowLanguage.kind });
}

/** What to say of a file of so many bytes, so that it need not be read; undefined: it may be read. */
export function tooLarge(file: string, bytes: number): Diagnostic | undefined {
  return tooLargeFile(file, bytes, workflowLanguage.kind);
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
      ...atStart<DiagnosticCode>(
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
      atStart<DiagnosticCode>(
        file,
        'too-many-files',
        `a commit may have ${most} workflow files, and it has ${files.length}`,
        'Put some together.',
      ),
    );
}
