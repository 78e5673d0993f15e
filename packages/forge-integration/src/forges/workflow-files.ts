import {
  type Diagnostic,
  type DiagnosticCode,
  decodeWorkflow,
  looksLikeWorkflowPath,
  workflowLimits,
} from '@solstice/common/workflow';
import type { WorkflowFile } from './forge.js';

export const WORKFLOW_DIRECTORY = '.solstice';

export interface WorkflowEntry {
  /** From the root of the repository. */
  path: string;
  sizeBytes: number;
}

/**
 * Reads the workflow files among a directory's regular files, a few at a time, under the limits. `read` gives the
 * bytes of one; it is never called for a file that is too large.
 */
export async function readSelected<E extends WorkflowEntry>(
  entries: readonly E[],
  read: (entry: E) => Promise<Uint8Array>,
): Promise<WorkflowFile[]> {
  const wanted = entries
    .filter((entry) => looksLikeWorkflowPath(entry.path))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  if (wanted.length > workflowLimits.filesPerCommit) {
    const message = `a commit may have ${workflowLimits.filesPerCommit} workflow files, and it has ${wanted.length}`;
    return [refused(WORKFLOW_DIRECTORY, 'too-many-files', message, 'Put some together.')];
  }
  const files: WorkflowFile[] = new Array(wanted.length);
  const waiting = wanted.entries();
  const reader = async () => {
    for (const [index, entry] of waiting) {
      files[index] =
        entry.sizeBytes > workflowLimits.fileBytes ? tooLarge(entry.path) : decode(entry.path, await read(entry));
    }
  };
  await Promise.all([reader(), reader(), reader(), reader()]);
  return files;
}

function decode(path: string, bytes: Uint8Array): WorkflowFile {
  return bytes.length > workflowLimits.fileBytes ? tooLarge(path) : { path, ...decodeWorkflow(bytes, { file: path }) };
}

function tooLarge(path: string): WorkflowFile {
  const message = `a workflow file may have ${workflowLimits.fileBytes / 1024} KiB`;
  return refused(path, 'file-too-large', message, 'Make it smaller, or split it.');
}

function refused(file: string, code: DiagnosticCode, message: string, hint: string): WorkflowFile {
  const diagnostic: Diagnostic = {
    file,
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 1,
    severity: 'error',
    code,
    message,
    hint,
  };
  return { path: file, diagnostic };
}
