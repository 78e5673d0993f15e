import type { WorkflowFile } from './forge.js';

export const WORKFLOW_DIRECTORY = '.solstice';
export const MAX_WORKFLOW_FILES = 32;
export const MAX_WORKFLOW_FILE_BYTES = 256 * 1024;

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
    .filter((entry) => entry.path.endsWith('.kdl'))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  if (wanted.length > MAX_WORKFLOW_FILES) {
    const refused = `${wanted.length} workflow files; a commit may have ${MAX_WORKFLOW_FILES}`;
    return [{ path: WORKFLOW_DIRECTORY, refused }];
  }
  const files: WorkflowFile[] = new Array(wanted.length);
  const waiting = wanted.entries();
  const reader = async () => {
    for (const [index, entry] of waiting) {
      files[index] =
        entry.sizeBytes > MAX_WORKFLOW_FILE_BYTES ? tooLarge(entry.path) : decode(entry.path, await read(entry));
    }
  };
  await Promise.all([reader(), reader(), reader(), reader()]);
  return files;
}

function decode(path: string, bytes: Uint8Array): WorkflowFile {
  if (bytes.length > MAX_WORKFLOW_FILE_BYTES) return tooLarge(path);
  try {
    return { path, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { path, refused: 'the file is not UTF-8 text' };
  }
}

function tooLarge(path: string): WorkflowFile {
  return { path, refused: `the file is larger than ${MAX_WORKFLOW_FILE_BYTES / 1024} KiB` };
}
